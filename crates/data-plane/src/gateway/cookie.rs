//! The cookie that names a space, for people without wildcard names.

use devspace_core::host::COOKIE;
use devspace_core::table::RouteTable;
use http::header::{CACHE_CONTROL, COOKIE as COOKIE_HEADER, HeaderMap, HeaderValue, LOCATION, SET_COOKIE};
use http::request::Parts;
use http::{Response, StatusCode};

use crate::answer::Failure;
use crate::body::ResponseBody;

/// The value of our cookie (RFC 6265, section 4.2.1).
pub(super) fn space(headers: &HeaderMap) -> Option<String> {
    let lines = headers
        .get_all(COOKIE_HEADER)
        .iter()
        .filter_map(|line| line.to_str().ok());
    let mut pairs = lines
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    pairs
        .find(|(name, value)| *name == COOKIE && !value.is_empty())
        .map(|(_, value)| value.to_owned())
}

/// `/.devspace/enter?space=red&to=/path`: sets the cookie and goes on to `to`. An empty space takes it off.
pub(super) fn enter(table: &RouteTable, parts: &Parts) -> Result<Response<ResponseBody>, Failure> {
    let query = parts.uri.query().unwrap_or_default();
    let value = |name: &str| {
        query
            .split('&')
            .filter_map(|p| p.split_once('='))
            .find(|(n, _)| *n == name)
    };
    let space = value("space").map_or("", |(_, value)| value);
    if !space.is_empty() && !table.spaces.contains(space) {
        return Err(Failure::UnknownSpace(space.to_owned()));
    }
    // Only a path of this host: `//other` and `/\other` are other hosts to a browser.
    let to = value("to").map_or("/", |(_, value)| value);
    let local = to.starts_with('/') && !to.starts_with("//") && !to.contains('\\');
    let cookie = if space.is_empty() {
        format!("{COOKIE}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax")
    } else {
        format!("{COOKIE}={space}; Path=/; HttpOnly; SameSite=Lax")
    };
    let mut response = Response::new(ResponseBody::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let location = HeaderValue::from_str(if local { to } else { "/" });
    headers.insert(
        LOCATION,
        location.unwrap_or_else(|_| HeaderValue::from_static("/")),
    );
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        headers.insert(SET_COOKIE, cookie);
    }
    Ok(response)
}
