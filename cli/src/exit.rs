//! The exit codes. Few and named: scripts and CI decide on them.

use std::process::ExitCode;

/// How a run ended, for the calling process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done. Also: detached by ctrl-c, and standard output closed by its reader.
    Ok,
    /// The input or the cluster said no.
    Refused,
    /// We failed.
    Failure,
    /// The user's code failed to build, to start, or to become ready in time.
    UserCode,
    /// The arguments or `devspace.yaml` are wrong.
    Usage,
    /// The code of the command that `devspace exec` ran.
    Child(u8),
}

impl Exit {
    /// Every code of our own with what it means, for the reference.
    pub(crate) const ALL: [(Self, &'static str); 5] = [
        (
            Self::Ok,
            "done; also detached by ctrl-c, and standard output closed by its reader",
        ),
        (
            Self::Refused,
            "refused by the input or by the cluster; also taken over by another `devspace up`",
        ),
        (Self::Failure, "devspace itself failed"),
        (
            Self::UserCode,
            "your code failed to build, to start, or to become ready in time",
        ),
        (Self::Usage, "wrong arguments or a wrong `devspace.yaml`"),
    ];

    /// The number that the process ends with.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Refused => 1,
            Self::Failure => 2,
            Self::UserCode => 3,
            // EX_USAGE of sysexits.h.
            Self::Usage => 64,
            Self::Child(code) => code,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_the_documented_ones() {
        let codes: Vec<u8> = Exit::ALL.iter().map(|(exit, _)| exit.code()).collect();
        assert_eq!(codes, [0, 1, 2, 3, 64]);
        assert_eq!(Exit::Child(17).code(), 17);
    }
}
