//! The demo on the test cluster: a developer without rights over the baseline, a changed `package` in the space `red`.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::child::{self, Up};
use super::cluster_stage::{self as stage, Stage};
use super::show;
use crate::say;

/// How long the first `devspace up` may take: it installs the dependencies.
const FIRST_UP: Duration = Duration::from_secs(240);
/// How long a save may take to be answered by new code.
const SAVE: Duration = Duration::from_secs(60);

/// Shows what the product does.
///
/// # Errors
/// A step fails; the message names it and what was seen.
pub(super) fn run(check: bool) -> Result<ExitCode> {
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
    let up = Up::start(stage.up())?;
    let seen = up.until_watching(FIRST_UP)?;
    let red_url = format!("{}{}", seen.address, stage.path);
    let red = show::expect(&red_url, None, |text| text.contains("from my laptop"), SAVE)?;
    show::answer(&red_url, &red);
    show::unchanged(&stage.baseline_url, Some(stage::HOST), &baseline)?;

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
    show::unchanged(&stage.baseline_url, Some(stage::HOST), &baseline)?;
    finish(&stage, up, &seen, check)
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
