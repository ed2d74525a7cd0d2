//! `cluster forward`: a port of the machine that leads to a Service or an address inside.

use std::net::{IpAddr, SocketAddr, TcpListener};

use anyhow::{Context, Result, bail};

use super::control::{self, Question};
use super::layout::Layout;
use super::namespace::Namespace;
use crate::process;

/// From where to where.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Port of 127.0.0.1; 0 chooses a free one.
    pub(super) local_port: u16,
    /// IP:PORT, or NAMESPACE/SERVICE:PORT. The Service's address is looked up once.
    pub(super) target: String,
}

/// Opens the port. It is closed when the cluster goes down.
///
/// # Errors
/// No cluster runs, the port is taken, or the Service does not exist.
pub(crate) fn open(layout: &Layout, arguments: &Arguments) -> Result<SocketAddr> {
    let target = match parse(&arguments.target)? {
        Target::Address(address) => address,
        Target::Service {
            namespace,
            name,
            port,
        } => {
            let ip = cluster_ip(layout, namespace, name)?;
            SocketAddr::new(ip, port)
        }
    };
    let listener = TcpListener::bind(("127.0.0.1", arguments.local_port))
        .with_context(|| format!("cannot open port {} on 127.0.0.1", arguments.local_port))?;
    let address = listener.local_addr().context("the port has no address")?;
    control::ask(
        layout,
        &Question::Forward {
            target,
            what: arguments.target.clone(),
        },
        Some(&listener),
    )?;
    Ok(address)
}

#[derive(Debug, PartialEq, Eq)]
enum Target<'a> {
    Address(SocketAddr),
    Service {
        namespace: &'a str,
        name: &'a str,
        port: u16,
    },
}

fn parse(text: &str) -> Result<Target<'_>> {
    if let Ok(address) = text.parse() {
        return Ok(Target::Address(address));
    }
    let service = text.rsplit_once(':').and_then(|(service, port)| {
        let (namespace, name) = service.split_once('/')?;
        Some(Target::Service {
            namespace,
            name,
            port: port.parse().ok()?,
        })
    });
    match service {
        Some(service) => Ok(service),
        None => bail!(
            "{text:?} is neither IP:PORT nor NAMESPACE/SERVICE:PORT, for example default/kubernetes:443"
        ),
    }
}

fn cluster_ip(layout: &Layout, namespace: &str, service: &str) -> Result<IpAddr> {
    let program = [
        "kubectl",
        "get",
        "service",
        "--namespace",
        namespace,
        service,
        "--output",
        "jsonpath={.spec.clusterIP}",
    ];
    let inside = Namespace::running(layout)?;
    let ip = process::text(&mut inside.command(layout, &program.map(str::to_owned))?)?;
    ip.parse().with_context(|| {
        format!("Service {namespace}/{service} has no address of its own (clusterIP {ip:?})")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_an_address_or_a_service() {
        assert_eq!(
            parse("10.96.0.1:443").unwrap(),
            Target::Address("10.96.0.1:443".parse().unwrap())
        );
        let service = Target::Service {
            namespace: "delivery",
            name: "gateway",
            port: 80,
        };
        assert_eq!(parse("delivery/gateway:80").unwrap(), service);
        assert!(
            parse("gateway:80").is_err() && parse("delivery/gateway").is_err() && parse("a/b:x").is_err()
        );
    }
}
