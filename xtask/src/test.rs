//! `cargo xtask test`: every check and every test of the project, in one run.
//!
//! A stage that fails does not keep the others from running; the closing lines name it.

mod checks;
mod cluster;
mod deny;
mod programs;
mod tally;

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Result, bail};

use self::tally::Tally;
use crate::say;

/// What `cargo xtask test` takes.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// More rounds of what is repeated: saves under load, kills.
    #[arg(long)]
    long: bool,
    /// Leave out everything that needs a cluster.
    #[arg(long)]
    no_cluster: bool,
}

/// How a stage ended.
enum Done {
    Passed,
    Skipped(String),
}

/// What the stages share.
struct Run {
    long: bool,
    no_cluster: bool,
    tally: Tally,
    built: Option<programs::Built>,
}

struct Stage {
    name: &'static str,
    run: fn(&mut Run) -> Result<Done>,
}

/// In this order: what is quick and fails often comes first, and what uninstalls the product last.
const STAGES: &[Stage] = &[
    Stage {
        name: "format",
        run: |_| checks::format(),
    },
    Stage {
        name: "clippy",
        run: |_| checks::clippy(),
    },
    Stage {
        name: "build",
        run: programs::build,
    },
    Stage {
        name: "unit and integration tests",
        run: programs::run_tests,
    },
    Stage {
        name: "documentation tests",
        run: programs::doc_tests,
    },
    Stage {
        name: "tests of the sample",
        run: programs::sample_tests,
    },
    Stage {
        name: "demo on the local engine",
        run: |_| checks::demo(),
    },
    Stage {
        name: "init and up, by framework",
        run: programs::frameworks,
    },
    Stage {
        name: "dependencies: bans, licences, sources",
        run: |_| deny::policy(),
    },
    Stage {
        name: "dependencies: advisories",
        run: |_| deny::advisories(),
    },
    Stage {
        name: "charts",
        run: |_| checks::charts(),
    },
    Stage {
        name: "cluster and images",
        run: cluster::prepare,
    },
    Stage {
        name: "end-to-end tests",
        run: cluster::end_to_end,
    },
    Stage {
        name: "end-to-end test of uninstalling",
        run: cluster::uninstall,
    },
];

/// Runs every stage.
///
/// # Errors
/// Names how many stages failed; what went wrong in each was printed when it happened.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let began = Instant::now();
    let mut run = Run {
        long: arguments.long,
        no_cluster: arguments.no_cluster,
        tally: Tally::default(),
        built: None,
    };
    let mut lines = Vec::new();
    let mut failed = 0;
    for stage in STAGES {
        say::progress(format!("== {}", stage.name));
        let stage_began = Instant::now();
        let ended = (stage.run)(&mut run);
        let word = match ended {
            Ok(Done::Passed) => "ok".to_owned(),
            Ok(Done::Skipped(reason)) => format!("skipped: {reason}"),
            Err(error) => {
                failed += 1;
                say::error(&error);
                "FAILED".to_owned()
            }
        };
        lines.push(format!(
            "{:>7.1} s  {:<40} {word}",
            stage_began.elapsed().as_secs_f64(),
            stage.name
        ));
    }
    cluster::leave();
    lines.iter().for_each(say::line);
    let word = if failed == 0 { "ok" } else { "FAILED" };
    say::line(format!(
        "test result: {word}. {}; finished in {:.0} s",
        run.tally,
        began.elapsed().as_secs_f64()
    ));
    if failed > 0 {
        bail!("{failed} of {} stages failed", STAGES.len());
    }
    Ok(ExitCode::SUCCESS)
}
