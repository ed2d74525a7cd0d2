//! The JVM with Gradle, by `build.gradle` or `build.gradle.kts`.

use regex::Regex;

use super::Context;
use super::jvm::{Framework, finish, java, main_class};
use crate::init::draft::{Build, Draft, Language, Said, words};
use crate::init::error::DetectError;

/// Where Gradle's home stands for an image's user that is not root.
const OWN_CACHE: &str = "/cache";

/// A folder with a build that makes a program. One without a known plugin is no service.
pub(super) fn detect(cx: &Context<'_>) -> Result<Option<Draft>, DetectError> {
    let text = match cx.manifest("build.gradle.kts")? {
        Some(text) => text,
        None => match cx.manifest("build.gradle")? {
            Some(text) => text,
            None => return Ok(None),
        },
    };
    let framework = Framework::of(&text);
    let application = Regex::new(
        r#"(?m)^\s*(?:application\s*$|id\s*\(?\s*['"]application['"]|apply plugin:\s*['"]application['"])"#,
    )
    .is_ok_and(|plugin| plugin.is_match(&text));
    if framework == Framework::Plain && !application {
        return Ok(None);
    }
    let settings = match cx.manifest("settings.gradle.kts")? {
        Some(text) => text,
        None => cx.manifest("settings.gradle")?.unwrap_or_default(),
    };
    let named = value_of(&settings, "rootProject.name");
    let name = named.clone().unwrap_or_else(|| cx.folder.to_owned());
    let mut draft = cx.draft(Language::Jvm, "/app");
    draft
        .names
        .extend(named.map(|name| Said::new(name, "rootProject.name of the settings")));
    let version = value_of(&text, "version");
    let jar = match &version {
        Some(version) => format!("build/libs/{name}-{version}.jar"),
        None => format!("build/libs/{name}.jar"),
    };
    let (task, run, why) = match framework {
        Framework::SpringBoot => ("bootJar", java(&["-jar", &jar]), "what bootJar makes"),
        Framework::Quarkus => (
            "quarkusBuild",
            java(&["-jar", "build/quarkus-app/quarkus-run.jar"]),
            "what quarkusBuild makes",
        ),
        Framework::Plain => {
            let libraries = format!("build/install/{name}/lib/*");
            let main = main_class_of(&text).or_else(|| main_class(cx).map(|main| main.value));
            let run = match main {
                Some(main) => java(&["-cp", &libraries, &main]),
                None => vec![format!("build/install/{name}/bin/{name}")],
            };
            ("installDist", run, "what installDist makes")
        }
    };
    draft.run = Some(Said::new(run, why));
    draft.build = Some(build(cx, task));
    let to = draft.to.value.clone();
    draft.cache = vec![format!("{to}/build"), format!("{to}/.gradle")];
    if cx.is_unprivileged() {
        draft.cache.push(OWN_CACHE.to_owned());
        draft.set(
            "GRADLE_USER_HOME",
            format!("{OWN_CACHE}/gradle"),
            "the image's user cannot write the usual one",
        );
    } else {
        draft.cache.push("/root/.gradle".to_owned());
    }
    draft.image = cx.image(&["gradle"], "gradle:8-jdk21");
    draft.made = vec!["build", ".gradle"];
    finish(cx, &mut draft, framework, "Gradle");
    Ok(Some(draft))
}

/// Without the daemon: it would outlive the build.
fn build(cx: &Context<'_>, task: &str) -> Build {
    let wrapper = cx.files.has("gradlew");
    let mut run = if wrapper {
        words(&["sh", "./gradlew"])
    } else {
        words(&["gradle"])
    };
    run.extend(words(&["--quiet", "--no-daemon", "--console=plain", task]));
    Build {
        run,
        when: words(&[
            "**/*.gradle",
            "**/*.gradle.kts",
            "gradle.properties",
            "gradle/**",
            "src/main/**",
        ]),
        why: if wrapper {
            "the Gradle build, by the wrapper that is here".to_owned()
        } else {
            "the Gradle build".to_owned()
        },
    }
}

/// `mainClass = "a.B"`, `mainClass.set("a.B")`.
fn main_class_of(text: &str) -> Option<String> {
    let named = Regex::new(r#"mainClass(?:Name)?\s*(?:=|\.set\()\s*['"]([\w.$]+)['"]"#).ok()?;
    Some(named.captures(text)?.get(1)?.as_str().to_owned())
}

/// `name = "value"`, `name 'value'`.
fn value_of(text: &str, name: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let rest = line.trim().strip_prefix(name)?;
        let rest = rest.trim_start().trim_start_matches('=').trim();
        let quote = rest.chars().next().filter(|c| *c == '\'' || *c == '"')?;
        rest.split(quote).nth(1).map(str::to_owned)
    })
}
