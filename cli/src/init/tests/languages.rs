//! A snapshot per language and framework.

use insta::assert_snapshot;

use super::{written, written_with};

const CARGO: &str = r#"
[package]
name = "checkout"
version = "0.1.0"
edition = "2024"
[dependencies]
axum = "0.8"
tokio = { version = "1", features = ["full"] }
"#;
const AXUM: &str = r#"
#[tokio::main]
async fn main() {
    let port = std::env::var("PORT").unwrap_or_else(|_| "3000".into());
    let listener = tokio::net::TcpListener::bind(format!("0.0.0.0:{port}")).await.unwrap();
}
"#;

#[test]
fn rust_axum() {
    assert_snapshot!(written(
        "checkout",
        &[("Cargo.toml", CARGO), ("src/main.rs", AXUM)]
    ));
}

#[test]
fn rust_member_of_a_workspace_with_a_dockerfile() {
    let files = [
        (
            "Cargo.toml",
            "[package]\nname = \"shop-api\"\n[dependencies]\nactix-web = \"4\"\ncommon = { workspace = true }\n[[bin]]\nname = \"api\"\npath = \"src/main.rs\"\n",
        ),
        (
            "src/main.rs",
            r#"HttpServer::new(App::new).bind(("0.0.0.0", 8080))?"#,
        ),
        ("migrations/1.sql", ""),
        (
            "Dockerfile",
            "FROM rust:1.90 AS build\nFROM debian\nEXPOSE 8088\nUSER app\n",
        ),
        (
            "../../Cargo.toml",
            "[workspace]\nmembers = [\"services/*\", \"tools/gen\"]\n[workspace.dependencies]\ncommon = { path = \"crates/common\" }\n",
        ),
        ("../../Cargo.lock", ""),
        ("../../.cargo/config.toml", ""),
        (
            "../../crates/common/Cargo.toml",
            "[package]\nname = \"common\"\n[dependencies]\nbase = { path = \"../base\" }\n",
        ),
        ("../../crates/base/Cargo.toml", "[package]\nname = \"base\"\n"),
        ("../../crates/other/Cargo.toml", "[package]\nname = \"other\"\n"),
        ("../../tools/gen/Cargo.toml", "[package]\nname = \"gen\"\n"),
    ];
    assert_snapshot!(written("services/api", &files));
}

#[test]
fn rust_rocket() {
    let cargo = "[package]\nname = \"r\"\n[dependencies]\nrocket = \"0.5\"\n";
    assert_snapshot!(written(
        "r",
        &[("Cargo.toml", cargo), ("src/main.rs", "#[launch]")]
    ));
}

#[test]
fn node_express_in_typescript() {
    let package = r#"{"name": "@shop/package", "scripts": {"dev": "tsx watch src/main.ts"},
        "dependencies": {"express": "5.1.0"}, "devDependencies": {"tsx": "4.20.3", "typescript": "5.8.3"}}"#;
    assert_snapshot!(written(
        "package",
        &[
            ("package.json", package),
            ("package-lock.json", "{}"),
            (".gitignore", "node_modules\n"),
            ("src/main.ts", "app.listen(Number(process.env.PORT ?? 3000))"),
        ]
    ));
}

#[test]
fn node_express_generator() {
    let package =
        r#"{"name": "web", "scripts": {"start": "node ./bin/www"}, "dependencies": {"express": "~4.16.1"}}"#;
    assert_snapshot!(written(
        "web",
        &[
            ("package.json", package),
            ("bin/www", "var port = normalizePort(process.env.PORT || '3000');"),
            ("app.js", ""),
        ]
    ));
}

#[test]
fn node_fastify_cli() {
    let package = r#"{"name": "web", "main": "app.js", "scripts": {"start": "fastify start -l info app.js", "dev": "fastify start -w -l info -P app.js"},
        "dependencies": {"fastify": "5", "fastify-cli": "7"}}"#;
    assert_snapshot!(written(
        "web",
        &[
            ("package.json", package),
            ("package-lock.json", "{}"),
            ("app.js", "module.exports = async (fastify) => {}"),
        ]
    ));
}

#[test]
fn node_frameworks_that_reload_themselves() {
    let package = |needs: &str, dev: &str| {
        format!(r#"{{"name": "web", "scripts": {{"dev": "{dev}"}}, "dependencies": {{{needs}}}}}"#)
    };
    let next = package(r#""next": "15""#, "next dev -p 3100");
    assert_snapshot!(
        "next",
        written("web", &[("package.json", &next), ("pnpm-lock.yaml", "")])
    );
    let nest = package(
        r#""@nestjs/core": "11", "@nestjs/cli": "11""#,
        "nest start --watch",
    );
    let main = "await app.listen(process.env.PORT ?? 3000);";
    assert_snapshot!(
        "nest",
        written(
            "web",
            &[("package.json", &nest), ("yarn.lock", ""), ("src/main.ts", main)]
        )
    );
    let vite = package(r#""vite": "7""#, "vite");
    assert_snapshot!(
        "vite",
        written("web", &[("package.json", &vite), ("bun.lock", "")])
    );
}

#[test]
fn node_that_is_compiled_and_lies_in_workspaces() {
    let compiled = r#"{"name": "api", "scripts": {"build": "tsc", "start": "node dist/main.js"}, "devDependencies": {"typescript": "5"}}"#;
    assert_snapshot!(
        "compiled",
        written(
            "api",
            &[
                ("package.json", compiled),
                ("package-lock.json", ""),
                ("src/main.ts", "server.listen(process.env.PORT || 8080)")
            ]
        )
    );
    let member = r#"{"name": "@shop/api", "main": "src/index.js", "engines": {"node": ">=20"}}"#;
    assert_snapshot!(
        "workspaces",
        written(
            "apps/api",
            &[
                ("package.json", member),
                ("src/index.js", "http.createServer().listen(4000)"),
                ("../../package.json", r#"{"workspaces": ["apps/*"]}"#),
                ("../../package-lock.json", "{}"),
            ]
        )
    );
}

#[test]
fn go_with_the_standard_library() {
    let main = "package main\nfunc main() {\n port := os.Getenv(\"PORT\")\n if port == \"\" { port = \"8080\" }\n http.ListenAndServe(\":\"+port, nil)\n}\n";
    assert_snapshot!(written(
        "dronescheduler",
        &[
            ("go.mod", "module example.com/shop/drone\n\ngo 1.24.0\n"),
            ("main.go", main)
        ]
    ));
}

#[test]
fn go_with_a_debugger() {
    let files = [
        ("go.mod", "module example.com/shop\n"),
        ("main.go", "package main\n"),
    ];
    assert_snapshot!(written_with("shop", &files, true));
}

#[test]
fn go_gin_in_cmd_with_a_user_of_its_own() {
    assert_snapshot!(written(
        "api",
        &[
            (
                "go.mod",
                "module example.com/shop/v2\n\ngo 1.25\nrequire github.com/gin-gonic/gin v1.10.1\n"
            ),
            ("cmd/worker/main.go", "package main\n"),
            (
                "cmd/server/main.go",
                "package main\nfunc main() { r := gin.Default(); r.Run() }\n"
            ),
            (
                "Dockerfile",
                "FROM golang:1.25 AS build\nFROM gcr.io/distroless/static\nUSER nonroot\n"
            ),
        ]
    ));
}

#[test]
fn python_frameworks() {
    let fastapi = "from fastapi import FastAPI\n\napp = FastAPI()\n";
    let files = [
        ("requirements.txt", "fastapi==0.115.0\n"),
        ("app/main.py", fastapi),
    ];
    assert_snapshot!("fastapi", written("api", &files));
    assert_snapshot!("fastapi_debug", written_with("api", &files, true));
    let uv = "[project]\nname = \"shop-api\"\ndependencies = [\"fastapi[standard]>=0.115\"]\n";
    assert_snapshot!(
        "fastapi_uv",
        written(
            "api",
            &[("pyproject.toml", uv), ("uv.lock", ""), ("main.py", fastapi)]
        )
    );
    let flask = "import flask\nfrom flask import Flask\n\napp = Flask(__name__)\n\nif __name__ == '__main__':\n    app.run(port=5001)\n";
    assert_snapshot!(
        "flask",
        written(
            "web",
            &[("requirements.txt", "Flask==3.1.0\ndebugpy\n"), ("app.py", flask)]
        )
    );
    let poetry =
        "[tool.poetry]\nname = \"web\"\n[tool.poetry.dependencies]\npython = \"^3.12\"\nFlask = \"^3\"\n";
    let factory = "def create_app(config=None):\n    app = Flask(__name__)\n    return app\n";
    assert_snapshot!(
        "flask_factory_poetry",
        written(
            "web",
            &[
                ("pyproject.toml", poetry),
                ("poetry.lock", ""),
                ("web/__init__.py", factory)
            ]
        )
    );
    assert_snapshot!(
        "django",
        written(
            "site",
            &[
                ("requirements.txt", "Django~=5.2\n"),
                ("manage.py", ""),
                ("package.json", r#"{"scripts": {"dev": "vite"}}"#)
            ]
        )
    );
    let plain = "import os\nfrom http.server import HTTPServer\nHTTPServer(('', int(os.environ.get('PORT', '8000'))), H).serve_forever()\n";
    assert_snapshot!("plain_python", written("hello", &[("main.py", plain)]));
}

const SPRING: &str = r#"<?xml version="1.0"?>
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <parent><groupId>org.springframework.boot</groupId><artifactId>spring-boot-starter-parent</artifactId><version>3.5.0</version></parent>
  <artifactId>ingestion</artifactId>
  <version>${revision}</version>
  <properties><java.version>17</java.version><revision>0.0.1-SNAPSHOT</revision></properties>
  <build><plugins><plugin><groupId>org.springframework.boot</groupId><artifactId>spring-boot-maven-plugin</artifactId></plugin></plugins></build>
</project>"#;

#[test]
fn jvm_with_maven() {
    let settings = "server:\n  port: ${HTTP:8085}\n";
    assert_snapshot!(
        "maven_spring_boot",
        written(
            "ingestion",
            &[
                ("pom.xml", SPRING),
                ("src/main/resources/application.yml", settings)
            ]
        )
    );
    let plain = r#"<project><artifactId>hello</artifactId><version>1</version></project>"#;
    let main = "package com.example;\n\npublic class App {\n    public static void main(String[] args) {\n        var port = System.getenv().getOrDefault(\"PORT\", \"7070\");\n    }\n}\n";
    assert_snapshot!(
        "maven_plain",
        written(
            "hello",
            &[
                ("pom.xml", plain),
                ("mvnw", ""),
                ("src/main/java/com/example/App.java", main),
                (
                    "Dockerfile",
                    "FROM maven:3-eclipse-temurin-21 AS build\nFROM eclipse-temurin:21-jre\nWORKDIR /opt/hello\nUSER 1000\n"
                ),
            ]
        )
    );
    let quarkus =
        "<project><artifactId>q</artifactId><version>1</version><!-- quarkus-maven-plugin --></project>";
    assert_snapshot!("maven_quarkus", written("q", &[("pom.xml", quarkus)]));
}

#[test]
fn jvm_with_gradle() {
    let spring = "plugins {\n  id(\"org.springframework.boot\") version \"3.5.0\"\n}\nversion = \"0.1\"\n";
    assert_snapshot!(
        "gradle_spring_boot",
        written(
            "checkout",
            &[
                ("build.gradle.kts", spring),
                ("settings.gradle.kts", "rootProject.name = \"check-out\"\n"),
                ("gradlew", ""),
                ("src/main/resources/application.properties", "server.port=8181\n"),
            ]
        )
    );
    let plain = "plugins {\n    id 'application'\n}\napplication {\n    mainClass = 'com.example.App'\n}\n";
    assert_snapshot!(
        "gradle_application",
        written(
            "hello",
            &[
                ("build.gradle", plain),
                (
                    "src/main/java/com/example/App.java",
                    "HttpServer.create(new InetSocketAddress(8000), 0)"
                ),
            ]
        )
    );
}

#[test]
fn dotnet() {
    let project = |framework: &str| {
        format!(
            "\u{feff}<Project Sdk=\"Microsoft.NET.Sdk.Web\"><PropertyGroup><TargetFramework>{framework}</TargetFramework></PropertyGroup></Project>"
        )
    };
    assert_snapshot!(
        "dotnet_8",
        written(
            "web",
            &[
                ("Shop.Web.csproj", &project("net8.0")),
                ("Program.cs", "app.Run();")
            ]
        )
    );
    assert_snapshot!(
        "dotnet_6",
        written(
            "web",
            &[
                ("Shop.Web.csproj", &project("net6.0")),
                ("Program.cs", "app.Run();")
            ]
        )
    );
}

#[test]
fn an_unknown_language_gets_a_minimum_to_fill_in() {
    let files = [
        (
            "Dockerfile",
            "FROM elixir\nWORKDIR /srv\nEXPOSE 4000\nLABEL service=phoenix\n",
        ),
        ("mix.exs", ""),
    ];
    assert_snapshot!(written("01", &files));
}
