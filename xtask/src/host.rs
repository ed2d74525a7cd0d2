//! What the machine must be and have: Linux, root, private namespaces, and packages of Debian.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, bail};

use crate::process::{self, command};
use crate::say;

/// A program from a package: installed when the program is not there.
pub(crate) struct Needed {
    /// A path that exists when the package is installed.
    pub(crate) path: &'static str,
    /// The name of Debian's package.
    pub(crate) package: &'static str,
}

/// What a cluster needs.
pub(crate) const CLUSTER: &[Needed] = &[
    Needed {
        path: "/usr/bin/containerd",
        package: "containerd",
    },
    Needed {
        path: "/usr/sbin/runc",
        package: "runc",
    },
    Needed {
        path: "/usr/lib/cni/bridge",
        package: "containernetworking-plugins",
    },
    Needed {
        path: "/usr/sbin/iptables",
        package: "iptables",
    },
    Needed {
        path: "/usr/bin/ip",
        package: "iproute2",
    },
    Needed {
        path: "/usr/bin/openssl",
        package: "openssl",
    },
    Needed {
        path: "/usr/bin/nsenter",
        package: "util-linux",
    },
    Needed {
        path: "/usr/bin/mount",
        package: "mount",
    },
    Needed {
        path: "/usr/bin/buildah",
        package: "buildah",
    },
];

/// Checks that this machine can run a cluster or build images as this user, and installs the packages that are missing.
///
/// # Errors
/// The machine is not Linux, the user is not root, namespaces are refused, or a package cannot be installed.
pub(crate) fn prepare(needed: &[Needed]) -> Result<()> {
    if !cfg!(target_os = "linux") {
        bail!("the test cluster runs on Linux only: run it in a Debian 12 virtual machine");
    }
    if !rustix::process::geteuid().is_root() {
        bail!(
            "the test cluster must run as root, because it makes network interfaces, mounts and cgroups: \
             run `sudo -E env PATH=\"$PATH\" cargo xtask …`"
        );
    }
    install(needed)?;
    let namespaces = ["--net", "--mount", "--uts", "--ipc", "--pid", "--fork", "true"];
    process::output(&mut command("unshare", namespaces)).context(
        "this machine refuses private namespaces. A container without privileges is the likely cause: \
         run it with --privileged, or use a virtual machine",
    )?;
    Ok(())
}

/// Loads a kernel module unless what it brings is there.
///
/// # Errors
/// It is neither there nor can it be loaded.
pub(crate) fn kernel_module(module: &str, brings: &str) -> Result<()> {
    if Path::new(brings).exists() {
        return Ok(());
    }
    process::output(&mut command("modprobe", [module])).with_context(|| {
        format!("the kernel lacks {module}, which pods need to reach Services: install the kernel's modules and run `modprobe {module}`")
    })?;
    Ok(())
}

fn install(needed: &[Needed]) -> Result<()> {
    let missing: Vec<&str> = missing(needed, |path| Path::new(path).exists());
    if missing.is_empty() {
        return Ok(());
    }
    if !Path::new("/usr/bin/apt-get").exists() {
        bail!(
            "this machine has no apt-get: install {} and try again",
            missing.join(", ")
        );
    }
    say::progress(format!("installing Debian packages: {}", missing.join(" ")));
    apt(&["update", "-qq"])?;
    apt(&[
        &["install", "-y", "-qq", "--no-install-recommends"],
        missing.as_slice(),
    ]
    .concat())
}

fn missing<'a>(needed: &[Needed], exists: impl Fn(&'a str) -> bool) -> Vec<&'a str> {
    needed
        .iter()
        .filter(|one| !exists(one.path))
        .map(|one| one.package)
        .collect()
}

fn apt(arguments: &[&str]) -> Result<()> {
    let mut apt = command("apt-get", arguments);
    apt.env("DEBIAN_FRONTEND", "noninteractive")
        .stderr(Stdio::piped());
    process::output(&mut apt)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_missing_is_installed() {
        let found = missing(CLUSTER, |path| {
            !path.contains("runc") && !path.contains("buildah")
        });
        assert_eq!(found, ["runc", "buildah"]);
    }
}
