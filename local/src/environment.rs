//! What an agent and its program are told by environment variables. Pure.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use devspace_agent::place;

use crate::agent::{CONTROL_VARIABLE, READY_VARIABLE};
use crate::protocol::WorkspaceService;

/// The address of one service for one caller: its ports as its file numbers them, and the caller's listeners for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Callee {
    pub(crate) name: String,
    pub(crate) ports: Vec<(u16, u16)>,
}

/// All that the variables are made of.
#[derive(Debug)]
pub(crate) struct Inputs<'a> {
    /// Unset for the baseline.
    pub(crate) space: Option<&'a str>,
    /// The baseline's service, also for a copy of it.
    pub(crate) service: &'a WorkspaceService,
    /// The agent's folder.
    pub(crate) folder: &'a Path,
    /// Path of the agent's sockets without their last letter.
    pub(crate) sockets: &'a Path,
    /// A folder that the service keeps, shared with its copies.
    pub(crate) data: &'a Path,
    /// Port of the gateway that stands for the caller.
    pub(crate) gateway: u16,
    pub(crate) targets: &'a [String],
    pub(crate) paths: &'a BTreeMap<String, PathBuf>,
    /// Declared to picked.
    pub(crate) ports: &'a BTreeMap<u16, u16>,
    pub(crate) callees: &'a [Callee],
    /// `env` of the copy.
    pub(crate) env: &'a BTreeMap<String, String>,
}

/// The agent's control socket and its readiness socket.
pub(crate) fn sockets(base: &Path) -> (PathBuf, PathBuf) {
    (base.with_extension("c"), base.with_extension("r"))
}

/// The variables that are added to the daemon's own.
pub(crate) fn variables(inputs: &Inputs<'_>) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for callee in inputs.callees {
        let name = callee.name.to_uppercase().replace('-', "_");
        let Some((_, first)) = callee.ports.first() else {
            continue;
        };
        all.insert(format!("{name}_URL"), format!("http://127.0.0.1:{first}"));
        all.insert(format!("{name}_SERVICE_HOST"), "127.0.0.1".to_owned());
        all.insert(format!("{name}_SERVICE_PORT"), first.to_string());
        for (declared, listener) in callee.ports.iter().skip(1) {
            all.insert(format!("{name}_SERVICE_PORT_{declared}"), listener.to_string());
        }
    }
    let own = inputs.service.env.iter().chain(inputs.env);
    all.extend(own.map(|(name, value)| (name.clone(), filled(inputs, value))));
    all.extend(of_agent(inputs));
    all
}

fn of_agent(inputs: &Inputs<'_>) -> impl Iterator<Item = (String, String)> {
    let json = |value: serde_json::Result<String>| value.unwrap_or_default();
    let ports: Vec<String> = inputs.service.ports.iter().map(u16::to_string).collect();
    let (control, ready) = sockets(inputs.sockets);
    let text = |path: &Path| path.to_string_lossy().into_owned();
    [
        ("DEVSPACE_VOLUME", text(inputs.folder)),
        ("DEVSPACE_SPACE", inputs.space.unwrap_or_default().to_owned()),
        ("DEVSPACE_SERVICE", inputs.service.name.clone()),
        ("DEVSPACE_GATEWAY", format!("127.0.0.1:{}", inputs.gateway)),
        ("DEVSPACE_PORTS", ports.join(",")),
        ("DEVSPACE_PORT_MAP", json(serde_json::to_string(inputs.ports))),
        ("DEVSPACE_PATHS", json(serde_json::to_string(inputs.paths))),
        (
            "DEVSPACE_SYNC_TARGETS",
            json(serde_json::to_string(inputs.targets)),
        ),
        (
            "DEVSPACE_COMMAND",
            json(serde_json::to_string(&inputs.service.program.run)),
        ),
        (CONTROL_VARIABLE, text(&control)),
        (READY_VARIABLE, text(&ready)),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into_iter()
}

/// `value` with every placeholder replaced and every path rewritten.
fn filled(inputs: &Inputs<'_>, value: &str) -> String {
    let mut text = value
        .replace("${data}", &inputs.data.to_string_lossy())
        .replace("${space}", inputs.space.unwrap_or_default());
    for callee in inputs.callees {
        let (name, Some((_, first))) = (&callee.name, callee.ports.first()) else {
            continue;
        };
        text = text
            .replace(&format!("${{{name}.url}}"), &format!("http://127.0.0.1:{first}"))
            .replace(&format!("${{{name}.host}}"), "127.0.0.1")
            .replace(&format!("${{{name}.port}}"), &first.to_string());
    }
    let ports = place::Ports {
        first: inputs.service.ports.first().copied(),
        picked: inputs.ports.clone(),
    };
    place::Paths::from(inputs.paths.clone()).rewrite(&ports.fill(&text))
}

/// Each `to` and each cache path is a folder below `folder`, at the same place in it as in a container, so that a path
/// below another stays below it.
pub(crate) fn paths<'p>(
    folder: &Path,
    paths: impl IntoIterator<Item = &'p String>,
) -> BTreeMap<String, PathBuf> {
    let place = |path: &'p String| {
        // `..` would lead out of the folder.
        let parts = path.split('/').filter(|part| !matches!(*part, "" | "." | ".."));
        let clean: PathBuf = parts.collect();
        (
            path.trim_end_matches('/').to_owned(),
            folder.join("root").join(clean),
        )
    };
    paths.into_iter().map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::tests::service;

    #[test]
    fn a_program_is_told_where_the_others_are() {
        let mut delivery = service("delivery");
        delivery.env = BTreeMap::from([
            (
                "STORE".to_owned(),
                "sqlite:${data}/x.db?peer=${drone-scheduler.url}".to_owned(),
            ),
            ("DEBUG".to_owned(), "${port:9229} ${port} ${space}".to_owned()),
            ("HOME_DIR".to_owned(), "/app/home".to_owned()),
        ]);
        let callees = [Callee {
            name: "drone-scheduler".to_owned(),
            ports: vec![(80, 21_000), (90, 21_001)],
        }];
        let folder = Path::new("/s/copies/red/delivery");
        let targets = ["/app".to_owned()];
        let paths = paths(folder, &targets);
        let all = variables(&Inputs {
            space: Some("red"),
            service: &delivery,
            folder,
            sockets: Path::new("/s/run/ab"),
            data: Path::new("/s/data/delivery"),
            gateway: 22_000,
            targets: &targets,
            paths: &paths,
            ports: &BTreeMap::from([(8080, 23_000), (9229, 23_001)]),
            callees: &callees,
            env: &BTreeMap::from([("DEBUG2".to_owned(), "${port}".to_owned())]),
        });
        for (name, value) in [
            ("DRONE_SCHEDULER_URL", "http://127.0.0.1:21000"),
            ("DRONE_SCHEDULER_SERVICE_HOST", "127.0.0.1"),
            ("DRONE_SCHEDULER_SERVICE_PORT", "21000"),
            ("DRONE_SCHEDULER_SERVICE_PORT_90", "21001"),
            (
                "STORE",
                "sqlite:/s/data/delivery/x.db?peer=http://127.0.0.1:21000",
            ),
            ("DEBUG", "23001 23000 red"),
            ("DEBUG2", "23000"),
            ("HOME_DIR", "/s/copies/red/delivery/root/app/home"),
            ("DEVSPACE_GATEWAY", "127.0.0.1:22000"),
            ("DEVSPACE_PORTS", "8080"),
            ("DEVSPACE_PATHS", r#"{"/app":"/s/copies/red/delivery/root/app"}"#),
            ("DEVSPACE_CONTROL_SOCKET", "/s/run/ab.c"),
        ] {
            assert_eq!(all.get(name).map(String::as_str), Some(value), "{name}");
        }
    }

    #[test]
    fn a_path_below_another_stays_below_it_and_none_leads_out() {
        let given = ["/src", "/src/target/", "/a/../../b"].map(str::to_owned);
        let found = paths(Path::new("/f"), &given);
        assert_eq!(found["/src/target"], Path::new("/f/root/src/target"));
        assert_eq!(found["/a/../../b"], Path::new("/f/root/a/b"));
    }
}
