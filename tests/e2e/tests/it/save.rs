//! The product's main job: a save of `package` in space `red` is answered to `red` and to nobody else, and the chain
//! gateway → delivery → package crosses the copy in the middle.

use anyhow::{Context, Result, ensure};
use devspace_e2e::clock::seconds;
use devspace_e2e::harness::app::{App, keyed};
use devspace_e2e::harness::cluster::repository;
use devspace_e2e::harness::devspace::Caller;
use devspace_e2e::harness::folder::Folder;
use devspace_e2e::harness::gate::Gate;
use devspace_e2e::harness::traffic::{self, change, full, keyless, light, marked, plan, without};
use devspace_e2e::harness::{ClientPod, Developer, Scope, is_long, nonce, scope};
use devspace_e2e::pod::once;
use devspace_e2e::wire::{Mark, Plan, Report, Request, Rule};

use crate::up::{Up, up};

const FILE: &str = "src/routes.ts";
const SUMMARY: &str = "/api/packages/summary/owner-1?year=2025&month=11";
const INVOICE: &str = "/api/invoices?ownerId=owner-1&year=2025&month=11";
/// Saves while the load runs.
fn saves() -> usize {
    if is_long() { 30 } else { 3 }
}

#[tokio::test]
async fn a_save_is_seen_in_its_space_only() -> Result<()> {
    scope::run("a_save_is_seen_in_its_space_only", Gate::Alone, test).await
}

async fn test(scope: &Scope) -> Result<()> {
    let app = App::delivery(scope).await?;
    let client = ClientPod::start(scope).await?;
    let developer = Developer::new(scope, &app.namespace, "rosa").await?;
    let caller = Caller::developer(&developer);
    caller
        .ok(
            developer.home(),
            &["space", "create", "blue", "-b", &app.namespace, "--wait"],
        )
        .await?;

    // Nobody but red may ever see one of these.
    let nonces: Vec<String> = (0..=saves()).map(|_| nonce()).collect();
    client.start_load(&load(scope, &app, &nonces).await?).await?;
    let red_invoice = app
        .through_gateway(scope, &format!("red.s.{}", app.host), INVOICE)
        .await?;

    let folder = Folder::copied(&repository().join("samples/delivery/services/package"), "")?;
    let [first, rest @ ..] = nonces.as_slice() else {
        anyhow::bail!("no nonces")
    };
    folder.replace(
        FILE,
        "json(200, { totalWeight:",
        &format!("json(200, {{ nonce: \"{first}\", totalWeight:"),
    )?;
    let mut up = up(scope, &caller, &app, "red", folder.path()).await?;
    client.after(40).await?;
    chain(scope, &client, &red_invoice, first).await?;
    tunnel(scope, &mut up, &app, first).await?;

    let mut before = first;
    let mut done = Vec::new();
    for new in rest {
        let saved_us = folder.replace(FILE, before, new)?;
        let live = up.live().await?;
        client.after(40).await?;
        done.push(Save {
            nonce: new.clone(),
            saved_us,
            live_us: live.at_us,
            restart: live.seconds("restart_seconds"),
        });
        before = new;
    }
    chain(scope, &client, &red_invoice, before).await?;
    let report = client.stop_load(scope).await?;
    judge(scope, &report, &done)?;
    up.devspace.interrupt()?;
    let (code, _) = up.devspace.ended(crate::up::SAVE).await?;
    ensure!(code == 0, "ctrl-c ended with {code}");
    Ok(())
}

/// Full load without a key, and lighter streams of blue, of red, and at the gateway.
async fn load(scope: &Scope, app: &App, nonces: &[String]) -> Result<Plan> {
    let secret: Vec<&str> = nonces.iter().map(String::as_str).collect();
    let mark = Mark {
        after: "\"nonce\":\"".into(),
        until: "\"".into(),
    };
    let summary = app.request(scope, "package", SUMMARY).await?;
    let invoice = app.through_gateway(scope, &app.host, INVOICE).await?;
    Ok(plan([
        full("keyless", summary.clone(), keyless(&secret)),
        light("blue", keyed(&summary, "blue"), without(&secret)),
        marked(light("red", keyed(&summary, "red"), Rule::default()), &mark),
        light("keyless invoice at the gateway", invoice, keyless(&secret)),
    ]))
}

struct Save {
    nonce: String,
    saved_us: u64,
    live_us: u64,
    restart: f64,
}

/// Every response to a request sent after `live` was reported carries the new nonce, and the first one came within a
/// second of the save plus the restart. package runs from source: there is no build.
fn judge(scope: &Scope, report: &Report, saves: &[Save]) -> Result<()> {
    let red = traffic::target(report, "red")?;
    for (number, save) in saves.iter().enumerate() {
        let until_us = saves.get(number + 1).map_or(u64::MAX, |next| next.saved_us);
        let mut of_this_save = red.clone();
        of_this_save
            .seen
            .retain(|(sent_us, _, _)| *sent_us >= save.saved_us && *sent_us < until_us);
        let seen = change(&of_this_save, &save.nonce)?;
        let took = seconds(seen.first_new_us - save.saved_us);
        scope.say(format!(
            "save {}: live reported {:.3} s after the save, first new response after {took:.3} s, restart {:.3} s, last old response to a request sent {:.3} s before live, {} new responses",
            number + 1,
            seconds(save.live_us - save.saved_us),
            save.restart,
            seconds(save.live_us) - seconds(seen.last_old_sent_us),
            seen.new,
        ));
        ensure!(
            seen.last_old_sent_us < save.live_us,
            "an old response to a request sent after revision was live"
        );
        ensure!(
            took < 1.0 + save.restart,
            "the save took {took:.3} s with a restart of {:.3} s",
            save.restart
        );
    }
    Ok(())
}

/// The invoice that red sees at the gateway holds the nonce, through delivery of the baseline.
async fn chain(scope: &Scope, client: &ClientPod, request: &Request, nonce: &str) -> Result<()> {
    let response = client.request(request).await?;
    ensure!(
        response.status == 200 && response.body.contains(nonce),
        "the invoice of red is {response:?}"
    );
    scope.say(format!("gateway → delivery → package of red: {}", response.body));
    Ok(())
}

/// The two addresses that `up` prints show the same from outside the cluster, with no DNS.
async fn tunnel(scope: &Scope, up: &mut Up, app: &App, nonce: &str) -> Result<()> {
    let tunnel = up.devspace.event("tunnel", crate::up::UP).await?;
    for field in ["browser", "address"] {
        let url = tunnel.text(field);
        let host = url.trim_start_matches("http://").trim_end_matches('/');
        let port = host.rsplit(':').next().context("no port")?;
        let request = Request {
            address: format!("127.0.0.1:{port}"),
            host: host.to_owned(),
            path: INVOICE.to_owned(),
            ..Request::default()
        };
        let response = once::request(&request).await?;
        let shown = response.status == 200 && response.body.contains(nonce);
        ensure!(
            shown,
            "{url} shows {response:?}, not the invoice of {} in red",
            app.namespace
        );
        scope.say(format!("tunnel {url} shows the copy"));
    }
    Ok(())
}
