//! What runs in pods: one binary with a verb each.

pub mod client;
pub mod compile;
pub mod connection;
pub mod echo;
pub mod load;
pub mod once;
pub mod serve;
mod tally;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

/// Programs of the end-to-end tests, run as pods.
#[derive(Debug, Parser)]
#[command(name = "e2e-pod")]
pub enum Arguments {
    /// Makes load and one-shot requests, told by HTTP.
    Client {
        /// Port of the control listener.
        #[arg(long, default_value_t = 9000)]
        control: u16,
    },
    /// Answers HTTP/1.1, HTTP/2, WebSocket and opaque TCP, and calls the next service.
    Echo {
        /// Port of HTTP and WebSocket.
        #[arg(long, default_value_t = 8080)]
        http: u16,
        /// Port of opaque TCP; 0: none.
        #[arg(long, default_value_t = 9090)]
        tcp: u16,
        /// The service's name in answers.
        #[arg(long, env = "ECHO_NAME", default_value = "echo")]
        name: String,
        /// The version in answers.
        #[arg(long, env = "ECHO_VERSION", default_value = "baseline")]
        version: String,
        /// A file that holds the version instead, read at the start.
        /// The text `exit N` in it makes the program say so and exit with N.
        #[arg(long)]
        version_file: Option<PathBuf>,
    },
    /// Stands for a compiler: copies a file, or fails if it holds `error`.
    Compile {
        /// The source.
        from: PathBuf,
        /// The result.
        to: PathBuf,
    },
    /// Writes what one request brings as JSON to standard output.
    Get {
        /// The request as JSON.
        request: String,
    },
}

/// Runs the verb.
///
/// # Errors
/// What keeps it from starting or going on.
pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    match arguments {
        Arguments::Client { control } => client::run(control).await?,
        Arguments::Echo {
            http,
            tcp,
            name,
            version,
            version_file,
        } => {
            let version = match version_file {
                None => version,
                Some(file) => match echo::start::read(&file)? {
                    echo::start::Start::Serve(version) => version,
                    echo::start::Start::Exit(code) => return Ok(ExitCode::from(code)),
                },
            };
            echo::run(echo::Ports { http, tcp }, echo::Identity { name, version }).await?;
        }
        Arguments::Compile { from, to } => return compile::run(&from, &to),
        Arguments::Get { request } => once::print(&request).await?,
    }
    Ok(ExitCode::SUCCESS)
}
