//! From arguments to operations: a file per verb that makes a typed request, calls one operation and prints its result.

use std::io::Write;

use clap::{CommandFactory, FromArgMatches};

use crate::args::{Cli, Command, GlobalArgs, LocalCommand, Output, TargetArgs};
use crate::engine::Engine;
use crate::exit::Exit;
use crate::ops::target::{Target, TargetError, find_target};
use crate::printer::{PrintError, Printer};
use crate::report::{AnyReport, Hint, Report};
use crate::settings::{Sourced, UserFile, sourced};

mod baseline;
mod config;
mod down;
mod engine;
mod exec;
mod init;
mod list;
mod local;
mod logs;
mod pump;
mod reach;
mod reference;
mod space;
mod status;
mod up;

/// What every command gets.
pub(crate) struct Invocation {
    /// The printer.
    pub(crate) printer: Printer,
    global: GlobalArgs,
    matches: clap::ArgMatches,
}

/// Parses, runs, prints a failure, and says how it ended.
pub(crate) fn main() -> Exit {
    let matches = match Cli::command().try_get_matches() {
        Ok(matches) => matches,
        Err(error) => return usage(&error),
    };
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    log_to_stderr(&cli.command, cli.global.verbose);
    let printer = Printer::to_terminal(cli.global.output == Output::Json, cli.global.quiet);
    let mut invocation = Invocation {
        printer,
        global: cli.global,
        matches,
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return ended(&mut invocation, Err(Box::new(StartError(error)))),
    };
    let result = runtime.block_on(Box::pin(run(&mut invocation, cli.command)));
    let exit = ended(&mut invocation, result);
    // A read of standard input (`exec`, a question) cannot be taken back; it must not hold the process.
    runtime.shutdown_background();
    exit
}

async fn run(invocation: &mut Invocation, command: Command) -> Result<Exit, AnyReport> {
    match command {
        Command::Up(args) => Box::pin(up::run(invocation, args)).await,
        Command::Down(args) => down::run(invocation, args).await,
        Command::Status(args) => status::run(invocation, args).await,
        Command::List(args) => list::run(invocation, args).await,
        Command::Logs(args) => logs::run(invocation, args).await,
        Command::Init(args) => Box::pin(init::run(invocation, args)).await,
        Command::Exec(args) => exec::run(invocation, args).await,
        Command::Forward(args) => reach::run_forward(invocation, args).await,
        Command::Open(args) => reach::run_open(invocation, args).await,
        Command::Space(command) => Box::pin(space::run(invocation, command)).await,
        Command::Baseline(args) => baseline::run(invocation, args).await,
        Command::Local(command) => Box::pin(local::run(invocation, command)).await,
        Command::Use(args) => engine::use_engine(invocation, args).await,
        Command::Config(command) => config::run(invocation, command).await,
        Command::Completions { shell } => reference::completions(invocation, shell),
        Command::Version => reference::version(invocation).await,
        Command::Reference => reference::reference(invocation),
        Command::Schema => reference::schema(invocation),
        Command::Man { folder } => reference::man(invocation, &folder),
    }
}

impl Invocation {
    /// The baseline as given by flag or environment.
    pub(crate) fn baseline(&self, value: Option<String>) -> Option<Sourced<String>> {
        sourced(
            &self.matches,
            "baseline",
            value,
            "--baseline",
            "DEVSPACE_BASELINE",
        )
    }

    /// The space as given by flag, position or environment.
    pub(crate) fn space(&self, value: Option<String>) -> Option<Sourced<String>> {
        sourced(&self.matches, "space", value, "--space", "DEVSPACE_SPACE")
    }

    /// Baseline and space that the arguments, the user's file and the cluster name together.
    /// A name that nothing gives is asked for at a terminal, and kept.
    pub(crate) async fn target(
        &mut self,
        engine: &dyn Engine,
        args: TargetArgs,
    ) -> Result<Target, AnyReport> {
        let mut file = UserFile::load()?;
        let (space, baseline) = (self.space(args.space), self.baseline(args.baseline));
        match find_target(engine, &file, space.clone(), baseline.clone()).await {
            Err(TargetError::Unnamed { baseline: found, .. }) if self.can_ask() => {
                let name = self.ask("name for your space: ")?;
                let identity = engine.identity();
                let selection = crate::settings::Selection {
                    baseline: found,
                    space: name,
                };
                file.select(identity.engine, &identity.context, selection)?;
                Ok(find_target(engine, &file, space, baseline).await?)
            }
            result => Ok(result?),
        }
    }

    fn can_ask(&self) -> bool {
        use std::io::IsTerminal;
        self.global.output == Output::Text
            && std::io::stdin().is_terminal()
            && std::io::stderr().is_terminal()
    }

    fn ask(&mut self, question: &str) -> Result<String, AnyReport> {
        self.printer.leave_terminal();
        let mut err = anstream::stderr();
        let mut answer = String::new();
        err.write_all(question.as_bytes())
            .and_then(|()| err.flush())
            .and_then(|()| std::io::stdin().read_line(&mut answer))
            .map_err(PrintError::Write)?;
        Ok(answer.trim().to_owned())
    }
}

/// Prints a failure and gives the exit code. A closed standard output ends a command well.
fn ended(invocation: &mut Invocation, result: Result<Exit, AnyReport>) -> Exit {
    let exit = match result {
        Ok(exit) => exit,
        Err(error) if error.code() == PrintError::CLOSED => Exit::Ok,
        Err(error) => {
            invocation.printer.failure(error.as_ref());
            error.exit()
        }
    };
    invocation.printer.leave_terminal();
    exit
}

/// Help and version are data; everything else that clap says is about wrong usage.
fn usage(error: &clap::Error) -> Exit {
    use clap::error::ErrorKind;
    // Nobody is there to be told if printing fails.
    drop(error.print());
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Exit::Ok,
        _ => Exit::Usage,
    }
}

/// Without `-v` nothing is logged: what a user has to know is told by events. The daemon has nobody to tell.
fn log_to_stderr(command: &Command, verbose: u8) {
    let filter = match verbose {
        0 if matches!(command, Command::Local(LocalCommand::Serve { .. })) => "warn,devspace_local=info",
        0 => return,
        1 => "devspace=debug,devspace_local=debug,devspace_sync=debug",
        _ => "debug,hyper=info,h2=info,rustls=info",
    };
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .finish();
    // There is no other subscriber that could be in the way.
    drop(tracing::subscriber::set_global_default(subscriber));
}

/// The runtime cannot start.
#[derive(Debug, thiserror::Error)]
#[error("cannot start the runtime")]
struct StartError(#[source] std::io::Error);

impl Report for StartError {
    fn code(&self) -> &'static str {
        "runtime"
    }

    fn exit(&self) -> Exit {
        Exit::Failure
    }
}

impl PrintError {
    /// The code of [`PrintError::Closed`].
    const CLOSED: &'static str = "output_closed";
}

impl Report for PrintError {
    fn code(&self) -> &'static str {
        match self {
            Self::Closed => Self::CLOSED,
            Self::Write(_) => "output",
        }
    }

    fn exit(&self) -> Exit {
        Exit::Failure
    }

    fn hint(&self) -> Option<Hint> {
        None
    }
}
