//! Applications: the delivery sample by its chart, and one of echo services for what the sample lacks.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::client::IMAGE;
use super::cluster::repository;
use super::{Scope, baseline, objects};
use crate::wire::Request;

/// How long an application may take to start.
const START: Duration = Duration::from_secs(120);

/// An application in a namespace of its own, intercepted.
pub struct App {
    /// The baseline's namespace.
    pub namespace: String,
    /// Its public host.
    pub host: String,
}

/// Which Helm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Helm {
    /// Helm 3.
    Three,
    /// Helm 4.
    Four,
}

/// The sample's services that are intercepted.
pub const DELIVERY: &[&str] = &["delivery", "dronescheduler", "package"];

impl App {
    /// Installs the delivery sample and intercepts its services.
    ///
    /// # Errors
    /// It does not start.
    pub async fn delivery(scope: &Scope) -> Result<Self> {
        let namespace = scope.namespace("shop").await?;
        let app = Self {
            host: format!("{namespace}.example.test"),
            namespace,
        };
        app.helm(scope, Helm::Three, &["install", "--wait"], &[]).await?;
        baseline::enable(scope, &app.namespace, DELIVERY, &app.host).await?;
        Ok(app)
    }

    /// Runs `helm VERB delivery CHART` with the values that tests use and these more.
    ///
    /// # Errors
    /// Helm fails.
    pub async fn helm(&self, scope: &Scope, helm: Helm, verb: &[&str], more: &[&str]) -> Result<()> {
        let began = Instant::now();
        let chart = repository()
            .join("charts/delivery")
            .to_string_lossy()
            .into_owned();
        let host = format!("host={}", self.host);
        let few = "services.package.replicas=1,services.delivery.replicas=1,stores.persistent=false,\
                   services.package.logLevel=warn,services.delivery.logLevel=warn,services.dronescheduler.logLevel=warn";
        let fixed = [
            "delivery",
            &chart,
            "--namespace",
            &self.namespace,
            "--timeout",
            "2m",
            "--set",
            few,
            "--set",
            &host,
        ];
        let arguments = [verb, &fixed, more].concat();
        match helm {
            Helm::Three => scope.cluster.helm3(&arguments).await?,
            Helm::Four => scope.cluster.helm4(&arguments).await?,
        };
        scope.say(format!(
            "{helm:?}: helm {} {} took {:.1} s",
            verb.join(" "),
            more.join(" "),
            began.elapsed().as_secs_f64()
        ));
        Ok(())
    }

    /// Installs echo services of these names and intercepts them.
    ///
    /// # Errors
    /// They do not start.
    pub async fn echo(scope: &Scope, services: &[&str]) -> Result<Self> {
        let app = Self::plain_echo(scope, services).await?;
        baseline::enable(scope, &app.namespace, services, &app.host).await?;
        Ok(app)
    }

    /// Installs echo services of these names and intercepts none.
    ///
    /// # Errors
    /// They do not start.
    pub async fn plain_echo(scope: &Scope, services: &[&str]) -> Result<Self> {
        ensure!(!services.is_empty(), "an application has a service");
        let namespace = scope.namespace("echo").await?;
        let client = &scope.cluster.client;
        for name in services {
            objects::apply(client, echo_service(&namespace, name)).await?;
            objects::apply(client, echo_deployment(&namespace, name)).await?;
        }
        let app = Self {
            host: format!("{namespace}.example.test"),
            namespace,
        };
        objects::apply(client, ingress(&app, services)).await?;
        for name in services {
            objects::rolled_out(client, &app.namespace, name, START).await?;
        }
        Ok(app)
    }

    /// A request to a service of the application by its Service.
    ///
    /// # Errors
    /// The Service is not there.
    pub async fn request(&self, scope: &Scope, service: &str, path: &str) -> Result<Request> {
        let address = objects::service_address(&scope.cluster.client, &self.namespace, service).await?;
        Ok(Request {
            address,
            path: path.to_owned(),
            host: service.to_owned(),
            ..Request::default()
        })
    }

    /// A request to the application's gateway with this host.
    ///
    /// # Errors
    /// There is no gateway.
    pub async fn through_gateway(&self, scope: &Scope, host: &str, path: &str) -> Result<Request> {
        let gateway = devspace_api::names::GATEWAY_SERVICE;
        let address = objects::service_address(&scope.cluster.client, &self.namespace, gateway).await?;
        Ok(Request {
            address,
            path: path.to_owned(),
            host: host.to_owned(),
            ..Request::default()
        })
    }
}

/// A request with this space key in a header.
#[must_use]
pub fn keyed(request: &Request, space: &str) -> Request {
    let mut request = request.clone();
    request.headers.push(("devspace-route-as".into(), space.into()));
    request
}

/// The Service of an echo service: HTTP on port 80, opaque TCP on port 90.
#[must_use]
pub fn echo_service(namespace: &str, name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": name}},
        "spec": {
            "selector": {"app": name, "tier": "echo"},
            "ports": [
                {"name": "http", "port": 80, "targetPort": "http"},
                {"name": "tcp-echo", "port": 90, "targetPort": 9090, "appProtocol": "tcp"},
            ],
        },
    })
}

fn echo_deployment(namespace: &str, name: &str) -> Value {
    let labels = json!({"app": name, "tier": "echo"});
    let container = json!({
        "name": "echo", "image": IMAGE, "imagePullPolicy": "IfNotPresent", "args": ["echo"],
        "env": [{"name": "ECHO_NAME", "value": name}],
        "ports": [{"name": "http", "containerPort": 8080}, {"name": "tcp-echo", "containerPort": 9090}],
        "readinessProbe": {"httpGet": {"path": "/", "port": "http"}, "periodSeconds": 1},
        "resources": {"requests": {"cpu": "10m", "memory": "8Mi"}},
    });
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {
            "replicas": 1, "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"terminationGracePeriodSeconds": 1, "containers": [container]},
            },
        },
    })
}

fn ingress(app: &App, services: &[&str]) -> Value {
    let path = |name: &str, path: String| {
        let service = json!({"name": name, "port": {"name": "http"}});
        json!({"path": path, "pathType": "Prefix", "backend": {"service": service}})
    };
    let named = services.iter().map(|name| path(name, format!("/{name}")));
    let paths: Vec<Value> = named
        .chain(services.first().map(|first| path(first, "/".into())))
        .collect();
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
        "metadata": {"name": "echo", "namespace": app.namespace},
        "spec": {"rules": [{"host": app.host, "http": {"paths": paths}}]},
    })
}

/// The folder of a developer who works on an echo service: a save is compiled, and the program starts anew with the
/// version that it read.
///
/// # Errors
/// A file cannot be written.
pub fn echo_folder(service: &str, version: &str) -> Result<super::folder::Folder> {
    let project = format!(
        "devspace: 1\nservice: {service}\ncache: [/out]\nsync: [{{from: ., to: /src}}]\n\
         build: {{run: [/e2e-pod, compile, /src/version.txt, /out/version], when: [version.txt]}}\n\
         run: [/e2e-pod, echo, --name, {service}, --version-file, /out/version]\n"
    );
    super::folder::Folder::new(&[
        ("devspace.yaml", &project),
        ("version.txt", version),
        ("notes/why.md", "Nothing.\n"),
    ])
}
