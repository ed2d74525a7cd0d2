//! .NET, by a project file.

use roxmltree::Document;

use super::Context;
use crate::init::draft::{Build, Draft, Language, Said, words};
use crate::init::error::DetectError;

/// Where the build puts the program; the project leaves `bin` out of its sources by itself.
const OUT: &str = "bin/devspace";

/// A folder with a project that makes a web server or a program.
pub(super) fn detect(cx: &Context<'_>) -> Result<Option<Draft>, DetectError> {
    let Some(project) = project(cx)? else {
        return Ok(None);
    };
    let (file, assembly, version) = (&project.file, &project.assembly, project.version.as_str());
    let mut draft = cx.draft(Language::Dotnet, "/src");
    draft.title = if project.web { ".NET, ASP.NET Core" } else { ".NET" }.to_owned();
    draft.names.push(Said::new(
        project.name.to_ascii_lowercase().replace('.', "-"),
        "the project file",
    ));
    let to = draft.to.value.clone();
    draft.cache = vec![
        format!("{to}/bin"),
        format!("{to}/obj"),
        "/root/.nuget".to_owned(),
    ];
    draft.build = Some(Build {
        run: words(&["dotnet", "build", file, "--nologo", "--output", OUT]),
        when: words(&[
            "**/*.cs",
            "**/*.fs",
            "**/*.cshtml",
            "**/*.razor",
            "**/*.*proj",
            "**/appsettings*.json",
        ]),
        why: file.clone(),
    });
    draft.run = Some(Said::new(
        words(&["dotnet", &format!("{OUT}/{assembly}.dll")]),
        "what the build makes",
    ));
    draft.hold = Some("60s");
    let sdk = if version.is_empty() { "8.0" } else { version };
    draft.image = cx.image(&["sdk"], &format!("mcr.microsoft.com/dotnet/sdk:{sdk}"));
    draft.made = vec!["bin", "obj"];
    port(cx, &mut draft, version);
    draft.set("ASPNETCORE_ENVIRONMENT", "Development", "as `dotnet run` sets it");
    Ok(Some(draft))
}

fn port(cx: &Context<'_>, draft: &mut Draft, version: &str) {
    // From version 8 on a port alone can be named, and 8080 is the images' port.
    let old = version
        .split('.')
        .next()
        .and_then(|major| major.parse::<u8>().ok())
        .is_some_and(|major| major < 8);
    let usual = if old { 80 } else { 8080 };
    let found = cx.listening(&[".cs", ".fs"]);
    draft.port = cx.port(&found, Some(Said::new(usual, "the default of the .NET images")));
    if old {
        draft.set("ASPNETCORE_URLS", "http://+:${port}", "ASP.NET Core reads it");
    } else {
        draft.set("ASPNETCORE_HTTP_PORTS", "${port}", "ASP.NET Core reads it");
    }
}

/// A project that makes a program.
struct Project {
    file: String,
    name: String,
    /// The program's name.
    assembly: String,
    /// The framework's version: `8.0`.
    version: String,
    /// Whether it is a web server.
    web: bool,
}

/// The first project of the folder, if it makes a program.
fn project(cx: &Context<'_>) -> Result<Option<Project>, DetectError> {
    let names = cx.files.list(".");
    let Some(file) = names.iter().find(|name| {
        [".csproj", ".fsproj", ".vbproj"]
            .iter()
            .any(|ending| name.ends_with(ending))
    }) else {
        return Ok(None);
    };
    let text = cx.manifest(file)?.unwrap_or_default();
    let document =
        Document::parse(text.trim_start_matches('\u{feff}')).map_err(|error| DetectError::Manifest {
            file: file.clone(),
            reason: error.to_string(),
        })?;
    let value = |name: &str| {
        document
            .descendants()
            .find(|node| node.tag_name().name() == name)
            .and_then(|node| node.text())
            .map(|text| text.trim().to_owned())
    };
    let web = document
        .root_element()
        .attribute("Sdk")
        .is_some_and(|sdk| sdk.ends_with(".Web"));
    if !web && value("OutputType").is_none_or(|kind| !kind.eq_ignore_ascii_case("exe")) {
        return Ok(None);
    }
    let name = file.rsplit_once('.').map_or(file.as_str(), |(name, _)| name);
    let framework = value("TargetFramework").unwrap_or_default();
    Ok(Some(Project {
        name: name.to_owned(),
        assembly: value("AssemblyName").unwrap_or_else(|| name.to_owned()),
        version: framework.trim_start_matches("net").to_owned(),
        file: file.clone(),
        web,
    }))
}
