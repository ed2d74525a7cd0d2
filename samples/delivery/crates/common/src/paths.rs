//! Paths that ignore case and a trailing slash, as the contracts ask: callers send `/api/Deliveries/{id}`.
//!
//! The fixed words of a path are put into lower case before routing. Ids keep the case they came in.

use axum::Router;
use axum::extract::Request;
use http::uri::{PathAndQuery, Uri};
use tower::util::MapRequest;

/// The fixed words that may stand at each place of a path, in lower case.
pub type Words = &'static [&'static [&'static str]];

/// Puts a router behind the rewriting of paths.
pub fn ignoring_case(inner: Router, words: Words) -> Router {
    let rewrite = move |mut request: Request| {
        if let Some(uri) = rewritten(request.uri(), words) {
            *request.uri_mut() = uri;
        }
        request
    };
    Router::new().fallback_service(MapRequest::new(inner, rewrite))
}

/// The address with its fixed words in lower case, or `None` where nothing changes.
fn rewritten(uri: &Uri, words: Words) -> Option<Uri> {
    let path = normal(uri.path(), words);
    if path == uri.path() {
        return None;
    }
    let text = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path,
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(text).ok()?);
    Uri::from_parts(parts).ok()
}

fn normal(path: &str, words: Words) -> String {
    let trimmed = path
        .strip_suffix('/')
        .filter(|rest| !rest.is_empty())
        .unwrap_or(path);
    let mut out = String::with_capacity(trimmed.len());
    for (place, segment) in trimmed.split('/').skip(1).enumerate() {
        let fixed = words
            .get(place)
            .and_then(|set| set.iter().find(|word| segment.eq_ignore_ascii_case(word)));
        out.push('/');
        out.push_str(fixed.unwrap_or(&segment));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: Words = &[
        &["api", "healthz"],
        &["deliveries"],
        &["public", "summary"],
        &["status"],
    ];

    #[test]
    fn fixed_words_lose_their_case_and_ids_keep_it() {
        assert_eq!(
            normal("/API/Deliveries/D-1/Status/", WORDS),
            "/api/deliveries/D-1/status"
        );
        assert_eq!(normal("/api/deliveries/Status", WORDS), "/api/deliveries/Status");
        assert_eq!(normal("/Healthz", WORDS), "/healthz");
        assert_eq!(normal("/", WORDS), "/");
        assert_eq!(normal("/api/Other", WORDS), "/api/Other");
    }

    #[test]
    fn the_query_stays_as_it_is() {
        let uri: Uri = "/Api/deliveries/Summary?ownerId=A%20B".parse().unwrap();
        assert_eq!(
            rewritten(&uri, WORDS).unwrap(),
            "/api/deliveries/summary?ownerId=A%20B"
        );
        assert_eq!(rewritten(&"/api/deliveries/x?y=1".parse().unwrap(), WORDS), None);
    }
}
