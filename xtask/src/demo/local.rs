//! The demo on this machine alone: a changed `delivery` in the space `red`, beside the baseline.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use signal_hook::consts::SIGINT;

use super::child::{self, Up};
use super::local_stage::{self, PATH, Stage};
use super::show;
use crate::say;

/// How long the first `devspace up` may take: it compiles.
const FIRST_UP: Duration = Duration::from_secs(300);
/// How long a save may take to be answered by new code: it compiles too.
const SAVE: Duration = Duration::from_secs(120);

/// Shows it. With `check` it leaves as soon as everything was shown, and nothing of it runs on.
///
/// # Errors
/// A step fails; the message names it and what was seen.
pub(super) fn run(check: bool) -> Result<ExitCode> {
    // From here on Ctrl-C ends the children, and this program ends what they leave.
    let interrupted = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(SIGINT, interrupted).context("cannot watch Ctrl-C")?;
    let mut stage = local_stage::prepare()?;
    let shown = stage.start().and_then(|()| show_all(&stage, check));
    // What the demo started ends with it, however it went.
    let stopped = stage.call(&["local", "stop"]);
    shown?;
    stopped?;
    if check {
        say::line("\nthe demo passed");
    }
    Ok(ExitCode::SUCCESS)
}

fn show_all(stage: &Stage, check: bool) -> Result<()> {
    let began = Instant::now();
    say::line(format!(
        "\n1  the baseline, as everybody sees it ({} run)",
        stage.running.join(", ")
    ));
    let url = format!("{}{PATH}", stage.gateway);
    let baseline = show::expect(&url, None, |text| text.contains("demo-1"), SAVE)?;
    show::answer(&url, &baseline);

    say::line("\n2  `devspace up` of a changed delivery in the space `red`");
    stage.edit("from my laptop")?;
    let up = Up::start(stage.up())?;
    let seen = up.until_watching(FIRST_UP)?;
    let red_url = format!("{}{PATH}", seen.address);
    let red = show::expect(&red_url, None, |text| text.contains("from my laptop"), SAVE)?;
    show::answer(&red_url, &red);
    show::unchanged(&url, None, &baseline)?;

    say::line("\n3  a save");
    let saved = Instant::now();
    stage.edit("saved a moment ago")?;
    let live = up.until_live(SAVE)?;
    let answer = show::expect(&red_url, None, |text| text.contains("saved a moment ago"), SAVE)?;
    say::line(format!(
        "   live at r{live}, new answer {:.2} s after the save",
        saved.elapsed().as_secs_f64()
    ));
    show::answer(&red_url, &answer);
    show::unchanged(&url, None, &baseline)?;
    say::progress(format!(
        "shown in {:.1} s, with two builds of delivery",
        began.elapsed().as_secs_f64()
    ));
    if check {
        up.end()
    } else {
        stay(stage, up, &seen, &url)
    }
}

/// Shows what to try, until Ctrl-C ends `devspace up`, which gets it too.
fn stay(stage: &Stage, up: Up, seen: &child::Seen, url: &str) -> Result<()> {
    say::line("\nit stays until Ctrl-C. Try:");
    for (what, how) in [
        ("the space in a browser", format!("{}{PATH}", seen.browser)),
        (
            "the space for a program",
            format!("curl '{}{PATH}'", seen.address),
        ),
        ("the baseline", format!("curl '{url}'")),
        (
            "the space by its key",
            format!("curl -H 'devspace-route-as: red' '{url}'"),
        ),
        (
            "save a change in",
            stage
                .sample
                .join("services/delivery/src/api/reads.rs")
                .display()
                .to_string(),
        ),
    ] {
        say::line(format!("   {what:<25}{how}"));
    }
    up.follow()
}
