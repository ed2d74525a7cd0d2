#!/bin/sh
# Starts Redis with its settings on standard input, so that the password stands in no list of processes.
#
#   REDIS_PASSWORD   the password that clients must give (required)
set -eu

: "${REDIS_PASSWORD:?is not set}"

exec redis-server - <<SETTINGS
bind * -::*
port 6379
dir /data
appendonly yes
appendfsync everysec
save ""
requirepass $REDIS_PASSWORD
SETTINGS
