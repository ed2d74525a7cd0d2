//! The JVM with Maven, by `pom.xml`.

use roxmltree::{Document, Node};

use super::Context;
use super::jvm::{Framework, finish, java, main_class};
use crate::init::draft::{Build, Draft, Language, Said, words};
use crate::init::error::DetectError;

/// Where Maven's repository stands for an image's user that is not root.
const OWN_CACHE: &str = "/cache";
/// Plugins that put everything into one archive.
const ONE_ARCHIVE: [&str; 2] = ["maven-shade-plugin", "maven-assembly-plugin"];

/// A folder with a project that makes an archive. A project of modules alone is no service.
pub(super) fn detect(cx: &Context<'_>) -> Result<Option<Draft>, DetectError> {
    let Some(text) = cx.manifest("pom.xml")? else {
        return Ok(None);
    };
    let document = Document::parse(&text).map_err(|error| DetectError::Manifest {
        file: "pom.xml".to_owned(),
        reason: error.to_string(),
    })?;
    let pom = Pom {
        project: document.root_element(),
    };
    if pom.text(&["packaging"]).as_deref() == Some("pom") {
        return Ok(None);
    }
    let Some(artifact) = pom.text(&["artifactId"]) else {
        return Err(DetectError::Manifest {
            file: "pom.xml".to_owned(),
            reason: "it has no `artifactId`".to_owned(),
        });
    };
    let framework = Framework::of(&text);
    let single = ONE_ARCHIVE.iter().any(|plugin| text.contains(plugin));
    let mut draft = cx.draft(Language::Jvm, "/app");
    draft
        .names
        .push(Said::new(artifact.clone(), "the artifactId of pom.xml"));
    let jar = format!("target/{}.jar", pom.final_name(&artifact));
    let run = match framework {
        Framework::SpringBoot => java(&["-jar", &jar]),
        Framework::Quarkus => java(&["-jar", "target/quarkus-app/quarkus-run.jar"]),
        Framework::Plain => match main_class(cx) {
            Some(main) if single => java(&["-cp", &jar, &main.value]),
            Some(main) => java(&["-cp", "target/classes:target/lib/*", &main.value]),
            None => java(&["-jar", &jar]),
        },
    };
    let why = match framework {
        Framework::Plain if !single => "the class with `main`, with the packages beside it",
        _ => "what the build makes; its name is that of pom.xml",
    };
    draft.run = Some(Said::new(run, why));
    let copies = framework == Framework::Plain && !single;
    draft.build = Some(build(cx, copies));
    let to = draft.to.value.clone();
    draft.cache = vec![format!("{to}/target")];
    if cx.is_unprivileged() {
        draft.cache.push(OWN_CACHE.to_owned());
    } else {
        draft.cache.push("/root/.m2".to_owned());
    }
    let java = pom.java();
    draft.image = cx.image(&["maven"], &format!("maven:3-eclipse-temurin-{java}"));
    draft.made = vec!["target"];
    finish(cx, &mut draft, framework, "Maven");
    Ok(Some(draft))
}

/// Maven's own caches outlive the pod where its user is root; on the local engine those of the machine serve.
fn build(cx: &Context<'_>, copies_packages: bool) -> Build {
    let wrapper = cx.files.has("mvnw");
    let mut run = if wrapper {
        words(&["sh", "./mvnw"])
    } else {
        words(&["mvn"])
    };
    run.extend(words(&["-q", "-B", "-DskipTests"]));
    if cx.is_unprivileged() {
        run.push(format!("-Dmaven.repo.local={OWN_CACHE}/m2"));
    }
    run.push("package".to_owned());
    if copies_packages {
        run.extend(words(&[
            "dependency:copy-dependencies",
            "-DincludeScope=runtime",
            "-DoutputDirectory=target/lib",
        ]));
    }
    Build {
        run,
        when: words(&["pom.xml", "src/main/**"]),
        why: if wrapper {
            "pom.xml, by the wrapper that is here".to_owned()
        } else {
            "pom.xml".to_owned()
        },
    }
}

/// A project object model.
struct Pom<'a, 'input> {
    project: Node<'a, 'input>,
}

impl Pom<'_, '_> {
    /// The text at a path of elements, with properties filled in.
    fn text(&self, path: &[&str]) -> Option<String> {
        let node = path.iter().try_fold(self.project, |node, name| {
            node.children()
                .find(|child| child.is_element() && child.tag_name().name() == *name)
        })?;
        let text = node.text()?.trim();
        Some(self.filled(text))
    }

    /// `${name}` by the properties and by the project's own values; what is not known stays.
    fn filled(&self, text: &str) -> String {
        let Some((before, rest)) = text.split_once("${") else {
            return text.to_owned();
        };
        let Some((name, after)) = rest.split_once('}') else {
            return text.to_owned();
        };
        let value = match name.strip_prefix("project.") {
            Some(own) if own != "build.finalName" => self.text(&[own]),
            _ => self.text(&["properties", name]),
        };
        let value = value.unwrap_or_else(|| format!("${{{name}}}"));
        format!("{before}{value}{}", self.filled(after))
    }

    /// The archive's name without its ending.
    fn final_name(&self, artifact: &str) -> String {
        self.text(&["build", "finalName"]).unwrap_or_else(|| {
            let version = self
                .text(&["version"])
                .or_else(|| self.text(&["parent", "version"]))
                .unwrap_or_else(|| "1.0-SNAPSHOT".to_owned());
            format!("{artifact}-{version}")
        })
    }

    /// The version of Java, for the image.
    fn java(&self) -> String {
        ["java.version", "maven.compiler.release", "maven.compiler.target"]
            .iter()
            .find_map(|name| self.text(&["properties", name]))
            .filter(|version| version.parse::<u8>().is_ok_and(|version| version >= 11))
            .unwrap_or_else(|| "21".to_owned())
    }
}
