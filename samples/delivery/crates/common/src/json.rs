//! JSON as the contracts want it: names in any case on the way in, whole numbers without a fraction on the way out.

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use thiserror::Error;

/// A body that cannot be used.
#[derive(Debug, Error)]
pub enum BodyError {
    /// The body is not declared to be JSON.
    #[error("the body is not declared as application/json")]
    MediaType,
    /// The body is JSON and no object.
    #[error("the body is no JSON object")]
    NoObject,
    /// The body is no JSON text, or not of the shape that is asked for. The message names the field.
    #[error("the body cannot be read: {0}")]
    Shape(serde_json::Error),
}

/// Reads a request body whose names may be in any case. Declare the fields of `T` in lower case for reading.
///
/// `null` stands for an absent field, so that both mean the default.
///
/// # Errors
/// The content type is not JSON, or the body is not of the shape of `T`.
pub fn request_body<T: DeserializeOwned>(headers: &HeaderMap, body: &[u8]) -> Result<T, BodyError> {
    if !is_json(headers) {
        return Err(BodyError::MediaType);
    }
    let value = folded(serde_json::from_slice(body).map_err(BodyError::Shape)?);
    // A list would do for serde: it fills a struct's fields in order.
    if !value.is_object() {
        return Err(BodyError::NoObject);
    }
    serde_json::from_value(value).map_err(BodyError::Shape)
}

/// Reads JSON whose names may be in any case.
///
/// # Errors
/// The text is no JSON, or not of the shape of `T`.
pub fn any_case<T: DeserializeOwned>(text: &[u8]) -> Result<T, serde_json::Error> {
    serde_json::from_value(folded(serde_json::from_slice(text)?))
}

fn folded(value: Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.into_iter().map(folded).collect()),
        Value::Object(members) => Value::Object(
            members
                .into_iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| (name.to_lowercase(), folded(value)))
                .collect::<Map<_, _>>(),
        ),
        other => other,
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(Ok(declared)) = headers.get(CONTENT_TYPE).map(|value| value.to_str()) else {
        return false;
    };
    let essence = declared
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    essence == "application/json" || essence == "text/json" || essence.ends_with("+json")
}

/// Writes a number without a fraction where it has none: 42, not 42.0.
///
/// # Errors
/// Those of the serializer.
pub fn number<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    // 2^53: beyond it a double does not hold every whole number.
    if value.fract() == 0.0 && value.abs() < 9_007_199_254_740_992.0 {
        // Whole and within 53 bits, as just checked: nothing is cut off.
        let whole = *value as i64;
        whole.serialize(serializer)
    } else {
        value.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize, Serialize, PartialEq)]
    struct Sample {
        #[serde(rename(serialize = "userId", deserialize = "userid"))]
        user_id: String,
        #[serde(default, serialize_with = "number")]
        weight: f64,
    }

    fn json_headers() -> HeaderMap {
        HeaderMap::from_iter([(CONTENT_TYPE, "application/json; charset=utf-8".parse().unwrap())])
    }

    #[test]
    fn names_may_be_in_any_case_and_null_is_absent() {
        let sample: Sample = request_body(&json_headers(), br#"{"UserId":"A","WEIGHT":null}"#).unwrap();
        assert_eq!(
            sample,
            Sample {
                user_id: "A".to_owned(),
                weight: 0.0
            }
        );
    }

    #[test]
    fn the_missing_field_is_named() {
        let error = request_body::<Sample>(&json_headers(), b"{}").unwrap_err();
        assert_eq!(
            error.to_string(),
            "the body cannot be read: missing field `userid`"
        );
        assert!(matches!(
            request_body::<Sample>(&HeaderMap::new(), b"{}"),
            Err(BodyError::MediaType)
        ));
        assert!(matches!(
            request_body::<Sample>(&json_headers(), br#"["A"]"#),
            Err(BodyError::NoObject)
        ));
    }

    #[test]
    fn whole_numbers_have_no_fraction() {
        let text = |weight| {
            serde_json::to_string(&Sample {
                user_id: String::new(),
                weight,
            })
            .unwrap()
        };
        assert_eq!(text(42.0), r#"{"userId":"","weight":42}"#);
        assert_eq!(text(-1.5), r#"{"userId":"","weight":-1.5}"#);
        assert_eq!(text(1e300), r#"{"userId":"","weight":1e+300}"#);
    }
}
