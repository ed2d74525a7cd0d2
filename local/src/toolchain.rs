//! Which program of a service is not on this machine.

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use devspace_sync::session::Build;

use crate::protocol::WorkspaceService;

/// The first program of `service`'s build and run that is not in `path` (the variable PATH).
/// A program that comes with the files or out of the build is not looked for.
pub(crate) fn missing<'s>(service: &'s WorkspaceService, path: &OsStr) -> Option<&'s str> {
    let build = service.program.build.as_ref().map(|build| match build {
        Build::Run { command, .. } | Build::Here { command, .. } => command,
    });
    let commands = build.into_iter().chain([&service.program.run]);
    let programs = commands.filter_map(|command| command.first());
    let named = programs.filter(|program| !program.contains('/'));
    named
        .map(String::as_str)
        .find(|program| !std::env::split_paths(path).any(|folder| is_program(&folder.join(program))))
}

/// What is said of it.
pub(crate) fn trouble(program: &str) -> String {
    format!("`{program}` is not in PATH; install it and type `devspace local start`")
}

fn is_program(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|there| there.is_file() && there.permissions().mode() & 0o111 != 0)
}
