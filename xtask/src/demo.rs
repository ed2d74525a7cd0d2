//! `cargo xtask demo`: the main job end to end, shown with real requests.

mod child;
mod show;
mod stage;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use self::child::Up;
use self::stage::Stage;
use crate::say;

/// What `cargo xtask demo` takes.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// On the test cluster, which is started when it does not run.
    #[arg(long)]
    cluster: bool,
    /// Do it unattended: leave as soon as everything was shown, and fail if anything was not as it must be.
    #[arg(long)]
    check: bool,
}

/// How long the first `devspace up` may take: it installs the dependencies.
const FIRST_UP: Duration = Duration::from_secs(240);
/// How long a save may take to be answered by new code.
const SAVE: Duration = Duration::from_secs(60);

/// Shows what the product does.
///
/// # Errors
/// A step fails; the message names it and what was seen.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    if !arguments.cluster {
        bail!(
            "say where to show it: `cargo xtask demo --cluster` uses a throwaway Kubernetes on this machine"
        );
    }
    let stage = stage::prepare()?;
    say::line("\n1  the baseline, as everybody sees it");
    let baseline = show::expect(
        &stage.baseline_url,
        Some(stage::HOST),
        |text| text.contains("totalWeight"),
        SAVE,
    )?;
    show::answer(&stage.baseline_url, &baseline);

    say::line(
        "\n2  `devspace up` of a changed package in the space `red`, as a developer without any right over the baseline",
    );
    stage.edit("note: \"from my laptop\"")?;
    let up = Up::start(&stage)?;
    let seen = up.until_watching(FIRST_UP)?;
    let red_url = format!("{}{}", seen.address, stage.path);
    let red = show::expect(&red_url, None, |text| text.contains("from my laptop"), SAVE)?;
    show::answer(&red_url, &red);
    unchanged(&stage, &baseline)?;

    say::line("\n3  a save");
    let saved = Instant::now();
    stage.edit("note: \"saved a moment ago\"")?;
    let live = up.until_live(SAVE)?;
    let answer = show::expect(&red_url, None, |text| text.contains("saved a moment ago"), SAVE)?;
    say::line(format!(
        "   live at r{live}, new answer {:.2} s after the save",
        saved.elapsed().as_secs_f64()
    ));
    show::answer(&red_url, &answer);
    unchanged(&stage, &baseline)?;
    finish(&stage, up, &seen, arguments.check)
}

/// Holds the baseline to the answer that it gave before anything was changed.
fn unchanged(stage: &Stage, before: &str) -> Result<()> {
    let after = show::get(&stage.baseline_url, Some(stage::HOST)).context("the baseline does not answer")?;
    if after != before {
        bail!("the baseline's answer has changed: it was {before}, it is {after}");
    }
    say::line("   the baseline's answer is the same as before");
    Ok(())
}

fn finish(stage: &Stage, up: Up, seen: &child::Seen, check: bool) -> Result<ExitCode> {
    if check {
        up.end()?;
        say::line("\nthe demo passed");
        return Ok(ExitCode::SUCCESS);
    }
    say::line("\nit stays until Ctrl-C. Try:");
    say::line(format!(
        "   the space in a browser   {}{}",
        seen.browser, stage.path
    ));
    say::line(format!(
        "   the space for a program  curl '{}{}'",
        seen.address, stage.path
    ));
    say::line(format!(
        "   the baseline             curl -H 'Host: {}' '{}'",
        stage::HOST,
        stage.baseline_url
    ));
    say::line(format!(
        "   save a change in         {}",
        stage.package.join("src/routes.ts").display()
    ));
    say::line(format!(
        "   the cluster              export KUBECONFIG={}",
        stage.kubeconfig.display()
    ));
    say::line("   end it all               cargo xtask cluster down");
    up.follow()?;
    Ok(ExitCode::SUCCESS)
}
