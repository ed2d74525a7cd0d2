//! Real requests and what they answer.

use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::{say, wait};

/// One GET. Redirects are not followed.
///
/// # Errors
/// There is no response, or its status is not 200.
pub(crate) fn get(url: &str, host: Option<&str>) -> Result<String> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(Duration::from_secs(10)))
        .http_status_as_error(false)
        .max_redirects(0)
        .build()
        .into();
    let request = match host {
        Some(host) => agent.get(url).header("host", host),
        None => agent.get(url),
    };
    let mut response = request
        .call()
        .with_context(|| format!("no response from {url}"))?;
    let status = response.status();
    let text = response
        .body_mut()
        .read_to_string()
        .with_context(|| format!("{url} broke off its response"))?;
    if status != 200 {
        bail!("{url} answered {status}: {text}");
    }
    Ok(text)
}

/// One PUT of JSON.
///
/// # Errors
/// There is no response, or its status is no success.
pub(crate) fn put(url: &str, body: &str) -> Result<()> {
    let request = ureq::put(url).header("content-type", "application/json");
    request
        .send(body)
        .with_context(|| format!("{url} did not take {body}"))?;
    Ok(())
}

/// Asks until the answer is as expected.
///
/// # Errors
/// It is not within the limit; the last answer is in the message.
pub(crate) fn expect(
    url: &str,
    host: Option<&str>,
    right: impl Fn(&str) -> bool,
    limit: Duration,
) -> Result<String> {
    let mut last = Ok(String::new());
    let held = wait::until(limit, || {
        last = get(url, host);
        last.as_ref().is_ok_and(|text| right(text))
    });
    match last {
        Ok(text) if held => Ok(text),
        Ok(text) => bail!("{url} still answers {text} after {} s", limit.as_secs()),
        Err(error) => Err(error),
    }
}

/// Prints an address and what it answered.
pub(crate) fn answer(url: &str, text: &str) {
    say::line(format!("   GET {url}"));
    say::line(format!("   {}", text.trim_end()));
}

/// Holds the baseline to the answer that it gave before anything was changed.
///
/// # Errors
/// It does not answer, or not the same.
pub(crate) fn unchanged(url: &str, host: Option<&str>, before: &str) -> Result<()> {
    let after = get(url, host).context("the baseline does not answer")?;
    if after != before {
        bail!("the baseline's answer has changed: it was {before}, it is {after}");
    }
    say::line("   the baseline's answer is the same as before");
    Ok(())
}
