//! The cluster's own certificate authority and the certificates of its parts, made with openssl.
//!
//! What is needed follows "PKI certificates and requirements" of the Kubernetes documentation.

use std::path::Path;

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use super::layout::{API_PORT, API_SERVICE_IP, Layout, NODE, NODE_IP};
use crate::places::{make_folder, read_file, write_file};
use crate::process::{self, command};

/// Who a certificate names.
pub(crate) struct Subject {
    /// File name of the certificate and key, without extension.
    pub(crate) file: String,
    /// User name.
    pub(crate) name: String,
    /// Groups of the user.
    pub(crate) groups: Vec<String>,
    /// Names and addresses at which it serves, as openssl writes them.
    pub(crate) serves: Vec<String>,
}

impl Subject {
    /// A client that serves nothing.
    pub(crate) fn client(file: &str, name: &str, groups: &[&str]) -> Self {
        let groups = groups.iter().map(|&group| group.to_owned()).collect();
        Self {
            file: file.to_owned(),
            name: name.to_owned(),
            groups,
            serves: Vec::new(),
        }
    }

    fn serving(mut self, names: &[&str]) -> Self {
        self.serves = names.iter().map(|&name| name.to_owned()).collect();
        self
    }

    /// The subject as openssl's `-subj` wants it: groups are organisations, the user is the common name.
    fn distinguished(&self) -> String {
        let escaped = |text: &str| text.replace('\\', r"\\").replace('/', r"\/").replace('+', r"\+");
        let groups: String = self
            .groups
            .iter()
            .map(|group| format!("/O={}", escaped(group)))
            .collect();
        format!("{groups}/CN={}", escaped(&self.name))
    }

    /// The extensions of a certificate of version 3; rustls refuses version 1, which openssl makes without any.
    fn extensions(&self) -> String {
        let mut lines =
            "basicConstraints=CA:FALSE\nkeyUsage=digitalSignature\nextendedKeyUsage=clientAuth".to_owned();
        if !self.serves.is_empty() {
            lines.push_str(&format!(",serverAuth\nsubjectAltName={}", self.serves.join(",")));
        }
        lines.push('\n');
        lines
    }
}

/// The certificates of the cluster's parts.
fn parts() -> Vec<Subject> {
    let ip = |address: &str| format!("IP:{address}");
    let api = [
        "DNS:kubernetes",
        "DNS:kubernetes.default",
        "DNS:kubernetes.default.svc",
        "DNS:localhost",
    ];
    let (service, node) = (ip(API_SERVICE_IP), ip(NODE_IP));
    let api: Vec<&str> = api
        .into_iter()
        .chain([service.as_str(), node.as_str(), "IP:127.0.0.1"])
        .collect();
    let node_name = format!("DNS:{NODE}");
    vec![
        Subject::client("apiserver", "kube-apiserver", &[]).serving(&api),
        Subject::client(
            "apiserver-kubelet",
            "kube-apiserver-kubelet-client",
            &["system:masters"],
        ),
        Subject::client("admin", "admin", &["system:masters"]),
        Subject::client("kubelet", &format!("system:node:{NODE}"), &["system:nodes"])
            .serving(&[&node_name, &node]),
        Subject::client("controller-manager", "system:kube-controller-manager", &[]),
        Subject::client("scheduler", "system:kube-scheduler", &[]),
        Subject::client("proxy", "system:kube-proxy", &[]),
    ]
}

/// Makes the authority, every certificate, the key of ServiceAccount tokens, and a kubeconfig for each client.
///
/// # Errors
/// openssl fails, or a file cannot be written.
pub(crate) fn make(layout: &Layout) -> Result<()> {
    let folder = layout.path("pki");
    make_folder(&folder)?;
    let authority = [
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
    ];
    let rest = [
        "-keyout",
        "ca.key",
        "-out",
        "ca.crt",
        "-days",
        "3650",
        "-subj",
        "/CN=devspace-test-cluster",
    ];
    process::output(command("openssl", authority.iter().chain(&rest)).current_dir(&folder))?;
    let tokens = [
        "ecparam",
        "-name",
        "prime256v1",
        "-genkey",
        "-noout",
        "-out",
        "sa.key",
    ];
    process::output(command("openssl", tokens).current_dir(&folder))?;
    for subject in parts() {
        sign(&folder, &subject)?;
        if subject.file != "apiserver" && subject.file != "apiserver-kubelet" {
            let kubeconfig = kubeconfig(layout, &subject.file, &subject.file, &inside_server())?;
            write_file(&folder.join(format!("{}.kubeconfig", subject.file)), kubeconfig)?;
        }
    }
    Ok(())
}

/// The API server's address for programs inside the namespaces.
pub(crate) fn inside_server() -> String {
    format!("https://{NODE_IP}:{API_PORT}")
}

/// Makes a key and a certificate for the subject, signed by the cluster's authority.
///
/// # Errors
/// openssl fails, or a file cannot be written.
pub(crate) fn sign(folder: &Path, subject: &Subject) -> Result<()> {
    let file = |extension: &str| format!("{}.{extension}", subject.file);
    let (key, request, certificate, extensions) = (file("key"), file("csr"), file("crt"), file("ext"));
    write_file(&folder.join(&extensions), subject.extensions())?;
    let fields = subject.distinguished();
    let ask = [
        "req",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-utf8",
    ];
    let ask = ask
        .into_iter()
        .chain(["-keyout", &key, "-out", &request, "-subj", &fields]);
    process::output(command("openssl", ask).current_dir(folder))?;
    let sign = [
        "x509",
        "-req",
        "-CA",
        "ca.crt",
        "-CAkey",
        "ca.key",
        "-days",
        "3650",
        "-extfile",
        &extensions,
    ];
    let sign = sign.into_iter().chain(["-in", &request, "-out", &certificate]);
    process::output(command("openssl", sign).current_dir(folder))?;
    for spent in [request, extensions] {
        std::fs::remove_file(folder.join(&spent)).with_context(|| format!("cannot remove {spent}"))?;
    }
    Ok(())
}

/// A kubeconfig that holds everything in itself, for the user of the certificate of this file name.
///
/// # Errors
/// The certificate, its key or the authority's certificate cannot be read.
pub(crate) fn kubeconfig(layout: &Layout, user: &str, file: &str, server: &str) -> Result<String> {
    let encoded = |name: String| anyhow::Ok(BASE64.encode(read_file(&layout.path("pki").join(name))?));
    let config = kubeconfig_of(
        user,
        server,
        &encoded("ca.crt".to_owned())?,
        &json!({
            "client-certificate-data": encoded(format!("{file}.crt"))?,
            "client-key-data": encoded(format!("{file}.key"))?,
        }),
    );
    serde_saphyr::to_string(&config).context("cannot write a kubeconfig")
}

fn kubeconfig_of(user: &str, server: &str, authority: &str, credentials: &Value) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "devspace-test", "cluster": {"server": server, "certificate-authority-data": authority}}],
        "users": [{"name": user, "user": credentials}],
        "contexts": [{"name": user, "context": {"cluster": "devspace-test", "user": user}}],
        "current-context": user,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_separators_stay_one_name() {
        let subject = Subject::client("x", "a/b+c", &["team/one", "two"]);
        assert_eq!(subject.distinguished(), r"/O=team\/one/O=two/CN=a\/b\+c");
    }

    #[test]
    fn openssl_makes_a_version_3_certificate_that_names_user_and_groups() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::at(folder.path().to_owned());
        make(&layout).unwrap();
        let subject = Subject::client("dev", "ann@example.test", &["team/one", "two"]);
        sign(&layout.path("pki"), &subject).unwrap();
        let show = ["x509", "-in", "dev.crt", "-noout", "-text", "-nameopt", "RFC2253"];
        let text = process::text(command("openssl", show).current_dir(layout.path("pki"))).unwrap();
        assert!(text.contains("Version: 3"), "{text}");
        assert!(text.contains("CN=ann@example.test,O=two,O=team/one"), "{text}");
        let config = kubeconfig(&layout, "ann", "dev", "https://127.0.0.1:1").unwrap();
        assert!(
            config.contains("https://127.0.0.1:1") && config.contains("client-key-data"),
            "{config}"
        );
    }

    #[test]
    fn the_api_server_answers_to_loopback_too() {
        let api = parts()
            .into_iter()
            .find(|subject| subject.file == "apiserver")
            .unwrap();
        assert!(
            api.extensions()
                .contains("IP:10.96.0.1,IP:10.99.0.1,IP:127.0.0.1\n")
        );
        assert!(api.extensions().contains("serverAuth"));
    }
}
