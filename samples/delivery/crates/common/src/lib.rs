//! What every Rust service of the delivery application shares.
//!
//! Each module is one idea: settings from the environment ([`settings`]), the context that a request carries onwards
//! ([`context`]), paths that ignore case ([`paths`]), JSON that ignores the case of names ([`json`]), problem documents
//! ([`problem`]), calls to other services ([`upstream`]), the listening loop with its drain ([`serve`]), waiting for a
//! store at start ([`startup`]), places on the globe ([`place`]) and log lines ([`logging`]).

pub mod context;
pub mod json;
pub mod logging;
pub mod paths;
pub mod place;
pub mod problem;
pub mod serve;
pub mod settings;
pub mod startup;
pub mod upstream;
