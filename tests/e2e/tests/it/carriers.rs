//! Every carrier of the space key over every protocol, and who is served when there is none.

use anyhow::{Result, ensure};
use devspace_e2e::harness::app::{App, echo_folder, keyed};
use devspace_e2e::harness::devspace::Caller;
use devspace_e2e::harness::gate::Gate;
use devspace_e2e::harness::{ClientPod, Developer, Scope, nonce, scope};
use devspace_e2e::pod::echo::Echo;
use devspace_e2e::wire::{Protocol, Request, Response};

use crate::up::up;

const PROTOCOLS: [Protocol; 3] = [Protocol::Http1, Protocol::H2, Protocol::Ws];

#[tokio::test]
async fn each_carrier_works_over_each_protocol() -> Result<()> {
    scope::run("each_carrier_works_over_each_protocol", Gate::Shared, test).await
}

async fn test(scope: &Scope) -> Result<()> {
    let app = App::echo(scope, &["front", "back"]).await?;
    let client = ClientPod::start(scope).await?;
    let developer = Developer::new(scope, &app.namespace, "rosa").await?;
    let caller = Caller::developer(&developer);
    let red = nonce();
    let (front, back) = (echo_folder("front", &red)?, echo_folder("back", &red)?);
    let _front = up(scope, &caller, &app, "red", front.path()).await?;
    let _back = up(scope, &caller, &app, "red", back.path()).await?;

    let direct = app.request(scope, "back", "/").await?;
    let mut checked = 0;
    for protocol in PROTOCOLS {
        for Case {
            carrier,
            headers,
            is_red,
        } in direct_carriers()
        {
            let request = Request {
                headers,
                ..direct.clone()
            };
            checked += expect(
                &client,
                carrier,
                protocol,
                request,
                if is_red { &red } else { "baseline" },
            )
            .await?;
        }
        for (host, is_red) in [
            (format!("red.s.{}", app.host), true),
            (format!("red--{}", app.host), true),
            (app.host.clone(), false),
        ] {
            let request = app.through_gateway(scope, &host, "/back").await?;
            checked += expect(
                &client,
                &host,
                protocol,
                request,
                if is_red { &red } else { "baseline" },
            )
            .await?;
        }
        // From outside a header does not choose a space, and a host overrules it.
        let outside = keyed(&app.through_gateway(scope, &app.host, "/back").await?, "red");
        checked += expect(&client, "header from outside", protocol, outside, "baseline").await?;
        checked += calling_pod(scope, &caller, &app, protocol, &direct, &red).await?;
    }
    unknown_host(scope, &client, &app).await?;
    forwarded(scope, &client, &app, &red).await?;
    scope.say(format!("{checked} combinations of carrier and protocol"));
    Ok(())
}

/// Without a trace `tracestate` means nothing (W3C Trace Context, section 3.3).
const PARENT: (&str, &str) = (
    "traceparent",
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
);

struct Case {
    carrier: &'static str,
    headers: Vec<(String, String)>,
    is_red: bool,
}

/// Carriers of a request inside the cluster, and whether it is red's.
fn direct_carriers() -> Vec<Case> {
    let case = |carrier, headers: &[(&str, &str)], is_red| {
        let owned = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Case {
            carrier,
            headers: owned.collect(),
            is_red,
        }
    };
    vec![
        case("none", &[], false),
        case("header", &[("devspace-route-as", "red")], true),
        case("header of Azure Dev Spaces", &[("azds-route-as", "red")], true),
        case(
            "header of Bridge to Kubernetes",
            &[("kubernetes-route-as", "red")],
            true,
        ),
        case(
            "baggage among others",
            &[("baggage", "user=ada;kind=x,devspace=red;ttl=1 , tenant=%C3%A9")],
            true,
        ),
        case(
            "baggage on the second line",
            &[("baggage", "user=ada"), ("baggage", "devspace=red")],
            true,
        ),
        case(
            "tracestate among others",
            &[PARENT, ("tracestate", "vendor=1,devspace=red")],
            true,
        ),
        case(
            "tracestate without a trace",
            &[("tracestate", "devspace=red")],
            false,
        ),
        case(
            "header of an unknown space",
            &[("devspace-route-as", "nobody")],
            false,
        ),
        case("other baggage", &[("baggage", "notdevspace=red")], false),
    ]
}

/// Sends the request and holds the answer to the version. Answers 1, for counting.
async fn expect(
    client: &ClientPod,
    what: &str,
    protocol: Protocol,
    request: Request,
    version: &str,
) -> Result<usize> {
    let body = "hello".to_owned();
    let response = client
        .request(&Request {
            protocol,
            body,
            ..request
        })
        .await?;
    is_version(what, protocol, &response, version)?;
    Ok(1)
}

fn is_version(what: &str, protocol: Protocol, response: &Response, version: &str) -> Result<()> {
    let found = match protocol {
        Protocol::Ws => response.body == format!("back {version} hello"),
        Protocol::Http1 | Protocol::H2 => {
            response.status == 200
                && serde_json::from_str::<Echo>(&response.body).is_ok_and(|echo| echo.version == version)
        }
    };
    ensure!(
        found,
        "{what} over {protocol:?}: wanted version {version}, found {response:?}"
    );
    let keyed = version != "baseline";
    let said = response.headers.get("devspace-served-by");
    ensure!(
        !keyed || said.is_some_and(|text| text.contains("red")),
        "{what} over {protocol:?}: served by {said:?}"
    );
    Ok(())
}

/// A program in the copy calls the other service with no carrier at all: the pod that it runs in is the carrier.
async fn calling_pod(
    scope: &Scope,
    caller: &Caller,
    app: &App,
    protocol: Protocol,
    direct: &Request,
    version: &str,
) -> Result<usize> {
    let request = Request {
        protocol,
        body: "hello".into(),
        ..direct.clone()
    };
    let text = serde_json::to_string(&request)?;
    let home = tempfile::tempdir()?;
    let arguments = [
        "exec",
        "-s",
        "red",
        "-b",
        &app.namespace,
        "--service",
        "front",
        "--",
        "/e2e-pod",
        "get",
        &text,
    ];
    let (ended, _) = caller.run(home.path(), &arguments).await?;
    ensure!(
        ended.code == 0,
        "exec in the copy ended with {}\n{}{}",
        ended.code,
        ended.stdout,
        ended.stderr
    );
    let response: Response = serde_json::from_str(ended.stdout.trim())?;
    is_version("calling pod", protocol, &response, version)?;
    scope.say(format!("calling pod over {protocol:?} reaches the copy"));
    Ok(1)
}

async fn unknown_host(scope: &Scope, client: &ClientPod, app: &App) -> Result<()> {
    let request = app
        .through_gateway(scope, &format!("nobody.s.{}", app.host), "/back")
        .await?;
    let response = client.request(&request).await?;
    ensure!(
        response.status == 404 && response.body.contains("nobody"),
        "an unknown space answers {response:?}"
    );
    Ok(())
}

/// What the router forwards: a key that came in by host goes on in every carrier, so that an application that passes
/// any one of them on keeps it.
async fn forwarded(scope: &Scope, client: &ClientPod, app: &App, red: &str) -> Result<()> {
    let back = app.request(scope, "back", "/").await?.address;
    let request = app
        .through_gateway(scope, &format!("red.s.{}", app.host), &format!("/via/{back}/"))
        .await?;
    let response = client.request(&request).await?;
    let echo: Echo = serde_json::from_str(&response.body)?;
    ensure!(
        echo.service == "front" && echo.version == red,
        "the gateway's rule `/` answers {echo:?}"
    );
    for (name, wanted) in [("devspace-route-as", "red"), ("baggage", "devspace=red")] {
        let found = echo.headers.get(name).map(String::as_str).unwrap_or_default();
        ensure!(found.contains(wanted), "{name} reached the program as `{found}`");
    }
    let next = echo.next.and_then(|next| next.echo);
    ensure!(
        next.as_ref()
            .is_some_and(|echo| echo.service == "back" && echo.version == red),
        "the next hop is {next:?}"
    );
    scope.say("host → header and baggage → next hop");
    Ok(())
}
