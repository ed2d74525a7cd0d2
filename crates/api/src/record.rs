//! The interception record: what a Service was before its traffic was taken through the router.
//!
//! It stands as JSON in the annotation [`RECORD_ANNOTATION`](crate::names::RECORD_ANNOTATION) of the Service
//! and nowhere else, so it survives everything of ours, and restoring needs nothing else.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Service;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde::{Deserialize, Serialize};

use crate::names::RECORD_ANNOTATION;

/// The layout of the record that this crate writes.
pub const RECORD_VERSION: u32 = 1;

/// What a Service was before its traffic was taken through the router, and which listeners stand for its ports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// Layout of the record: [`RECORD_VERSION`].
    pub version: u32,
    /// The original selector.
    pub selector: BTreeMap<String, String>,
    /// Every port of the Service, in its order.
    pub ports: Vec<RecordPort>,
    /// UID of the Baseline that asked for the interception.
    pub baseline: String,
    /// When the Service was first recorded, RFC 3339 in UTC.
    pub since: String,
    /// When the Service was put back for good. The record stays a while for connections that the router still has;
    /// routers serve it like any other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restored: Option<String>,
}

/// One port of a recorded Service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordPort {
    /// The port's name. A Service with one port may leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The port that callers use.
    pub port: u16,
    /// The original target: a port of the pod, by number or by name. Unset: the same number as `port`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_port: Option<IntOrString>,
    /// The router's listener that stands for this port.
    pub listener: u16,
    /// The protocol that the Service's owner declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_protocol: Option<String>,
}

/// Why a Service's record cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The annotation is not a record.
    #[error("annotation `devspace.dev/interception` is no interception record")]
    Parse(#[source] serde_json::Error),
    /// The annotation was written by a newer version of ours.
    #[error("the interception record has version {found}, and this program knows up to {RECORD_VERSION}")]
    Version {
        /// The version in the annotation.
        found: u32,
    },
    /// The record cannot be written.
    #[error("the interception record does not serialise")]
    Write(#[source] serde_json::Error),
}

/// What every layout has.
#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

// === impl Record ===

impl Record {
    /// Reads the text of the annotation. Unknown fields are tolerated, an unknown version is not.
    ///
    /// # Errors
    /// [`RecordError::Parse`] or [`RecordError::Version`].
    pub fn parse(text: &str) -> Result<Self, RecordError> {
        let Versioned { version } = serde_json::from_str(text).map_err(RecordError::Parse)?;
        if version > RECORD_VERSION {
            return Err(RecordError::Version { found: version });
        }
        serde_json::from_str(text).map_err(RecordError::Parse)
    }

    /// The record of `service`, or `None` where it has none.
    ///
    /// # Errors
    /// As [`Record::parse`].
    pub fn of(service: &Service) -> Result<Option<Self>, RecordError> {
        let annotations = service.metadata.annotations.as_ref();
        annotations
            .and_then(|all| all.get(RECORD_ANNOTATION))
            .map(|text| Self::parse(text))
            .transpose()
    }

    /// The text of the annotation.
    ///
    /// # Errors
    /// [`RecordError::Write`].
    pub fn to_json(&self) -> Result<String, RecordError> {
        serde_json::to_string(self).map_err(RecordError::Write)
    }

    /// The port that the router's `listener` stands for.
    #[must_use]
    pub fn port_of_listener(&self, listener: u16) -> Option<&RecordPort> {
        self.ports.iter().find(|port| port.listener == listener)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{"version":1,"selector":{"app":"package"},"ports":[{"name":"http","port":80,"targetPort":"web","listener":20000,"appProtocol":"http"},{"port":81,"targetPort":8081,"listener":20001}],"baseline":"u-1","since":"2026-11-22T00:00:00Z"}"#;

    #[test]
    fn the_text_survives_reading_and_writing() {
        let record = Record::parse(TEXT).unwrap();
        assert_eq!(record.to_json().unwrap(), TEXT);
        assert_eq!(
            record.ports[0].target_port,
            Some(IntOrString::String("web".into()))
        );
        assert_eq!(record.port_of_listener(20_001).unwrap().port, 81);
        assert!(record.port_of_listener(20_002).is_none());
    }

    #[test]
    fn a_newer_layout_and_a_broken_one_are_told_apart() {
        let newer = TEXT.replace("\"version\":1", "\"version\":2");
        assert!(matches!(
            Record::parse(&newer),
            Err(RecordError::Version { found: 2 })
        ));
        assert!(matches!(Record::parse("{"), Err(RecordError::Parse(_))));
        assert!(Record::parse(&TEXT.replace("\"version\":1", "\"version\":1,\"later\":true")).is_ok());
    }

    #[test]
    fn a_service_without_the_annotation_has_no_record() {
        let mut service = Service::default();
        assert!(Record::of(&service).unwrap().is_none());
        service.metadata.annotations = Some([(RECORD_ANNOTATION.to_owned(), TEXT.to_owned())].into());
        assert_eq!(Record::of(&service).unwrap().unwrap().baseline, "u-1");
    }
}
