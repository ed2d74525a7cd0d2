//! Long polls: the controller asks when this router's table has a copy, or has it no longer.

use std::net::IpAddr;
use std::time::Duration;

use devspace_core::table::RouteTable;
use devspace_core::{ServiceName, SpaceName};
use http::StatusCode;
use tokio::time::timeout;

use super::{Admin, Answer, text};

/// How long a poll waits that names no time, and the longest that one may name.
const WAIT: Duration = Duration::from_secs(10);
const WAIT_MAX: Duration = Duration::from_secs(60);

/// A poll's question.
#[derive(Debug, PartialEq, Eq)]
struct Question {
    space: SpaceName,
    service: ServiceName,
    address: Option<IpAddr>,
    wait: Duration,
}

/// `GET /applied?space=&service=&address=&timeoutMs=`: 200 as soon as requests of the space for the service go to
/// that address, 408 when the time is over.
pub(super) async fn applied(admin: &Admin, query: &str) -> Answer {
    let question = parse(query).and_then(|question| Some((question.address?, question)));
    let Some((address, question)) = question else {
        return bad();
    };
    let Question {
        space, service, wait, ..
    } = question;
    until(admin, wait, |table| table.sends_to(&space, &service, address)).await
}

/// `GET /removed?space=&service=&timeoutMs=`: 200 as soon as the space has no copy of the service.
pub(super) async fn removed(admin: &Admin, query: &str) -> Answer {
    let Some(Question {
        space, service, wait, ..
    }) = parse(query)
    else {
        return bad();
    };
    until(admin, wait, |table| !table.has_copy(&space, &service)).await
}

fn bad() -> Answer {
    text(
        StatusCode::BAD_REQUEST,
        "space, service and (for /applied) address are needed\n",
    )
}

async fn until(admin: &Admin, wait: Duration, holds: impl Fn(&RouteTable) -> bool) -> Answer {
    let waiting = async {
        let mut changes = admin.tables.changes();
        while !holds(&admin.tables.load()) {
            changes.next().await;
        }
    };
    match timeout(wait, waiting).await {
        Ok(()) => text(StatusCode::OK, "yes\n"),
        Err(_) => text(StatusCode::REQUEST_TIMEOUT, "not yet\n"),
    }
}

/// Names and addresses need no percent-coding, but for the colons of IPv6, which some clients code.
fn parse(query: &str) -> Option<Question> {
    let value = |name: &str| {
        query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .find(|(n, _)| *n == name)
    };
    let address = value("address").map(|(_, text)| text.replace("%3A", ":").replace("%3a", ":"));
    let wait = value("timeoutMs").map_or(Some(WAIT), |(_, ms)| ms.parse().ok().map(Duration::from_millis));
    Some(Question {
        space: SpaceName::try_new(value("space")?.1).ok()?,
        service: ServiceName::try_new(value("service")?.1).ok()?,
        address: address.map(|text| text.parse()).transpose().ok()?,
        wait: wait?.min(WAIT_MAX),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_read_or_refused() {
        let question = parse("space=red&service=package&address=10.0.0.1&timeoutMs=5").unwrap();
        assert_eq!(question.address, Some("10.0.0.1".parse().unwrap()));
        assert_eq!(question.wait, Duration::from_millis(5));
        assert_eq!(
            parse("space=red&service=package&timeoutMs=999999999")
                .unwrap()
                .wait,
            WAIT_MAX
        );
        for bad in [
            "",
            "space=red",
            "space=R&service=a",
            "space=red&service=a&address=x",
            "space=red&service=a&timeoutMs=x",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
