#!/bin/sh
# Starts PostgreSQL; before that makes what the environment asks for. Safe to repeat at every start.
#
#   POSTGRES_PASSWORD       password of the superuser `postgres` (required)
#   POSTGRES_DB             a database for the superuser (optional)
#   POSTGRES_APPS           names, separated by spaces: for each a role and a database of its own
#   POSTGRES_PASSWORD_NAME  the password of such a role, its name in capitals (required for each)
set -eu

: "${POSTGRES_PASSWORD:?is not set}"
umask 077

if [ ! -s "$PGDATA/PG_VERSION" ]; then
    # Made beside its place and moved there, so that an interrupted start leaves nothing that looks whole.
    rm -rf "$PGDATA.new"
    initdb --pgdata="$PGDATA.new" --username=postgres --encoding=UTF8 --locale=C.UTF-8 \
        --auth-local=trust --auth-host=scram-sha-256 --no-instructions >/dev/null
    echo "host all all all scram-sha-256" >>"$PGDATA.new/pg_hba.conf"
    mv "$PGDATA.new" "$PGDATA"
fi
rm -f "$PGDATA/postmaster.pid"

# On a socket only: nobody else sees the server before it is ready.
pg_ctl start --pgdata="$PGDATA" --wait --silent --options="-c listen_addresses='' -c unix_socket_directories=/tmp"

sql() { psql --host=/tmp --username=postgres --no-psqlrc --quiet --set=ON_ERROR_STOP=1 "$@"; }

# NAME OWNER
database() {
    sql --set=name="$1" --set=owner="$2" <<'SQL'
select format('create database %I owner %I', :'name', :'owner')
where not exists (select from pg_database where datname = :'name') \gexec
select format('revoke all on database %I from public', :'name') \gexec
SQL
}

# NAME PASSWORD
role() {
    sql --set=name="$1" --set=password="$2" <<'SQL'
select format('create role %I login', :'name')
where not exists (select from pg_roles where rolname = :'name') \gexec
select format('alter role %I password %L', :'name', :'password') \gexec
SQL
}

role postgres "$POSTGRES_PASSWORD"
if [ -n "${POSTGRES_DB:-}" ]; then database "$POSTGRES_DB" postgres; fi
for app in ${POSTGRES_APPS:-}; do
    variable="POSTGRES_PASSWORD_$(echo "$app" | tr '[:lower:]-' '[:upper:]_')"
    eval "password=\${$variable:?is not set}"
    role "$app" "$password"
    database "$app" "$app"
done

pg_ctl stop --pgdata="$PGDATA" --wait --silent --mode=fast
unset POSTGRES_PASSWORD
exec postgres -D "$PGDATA" -c listen_addresses='*' -c unix_socket_directories=/tmp "$@"
