//! What `devspace init` says.

use super::{CARE, FAINT, GOOD, NAME};
use crate::event::Event;
use crate::printer::To;

/// The line for an event of `init`.
pub(super) fn line(event: &Event) -> Option<(To, String)> {
    let line = match event {
        Event::Found { what, value, from } => (
            To::Talk,
            format!("{what:<9}{NAME}{value}{NAME:#} {FAINT}({from}){FAINT:#}"),
        ),
        Event::Wrote { path, replaced } => {
            let what = if *replaced { "replaced" } else { "wrote" };
            (To::Data, format!("{GOOD}{what:<9}{GOOD:#}{path}"))
        }
        Event::Left { path, why, text } => {
            let mut line = format!("{CARE}left{CARE:#}     {path} as it is: {why}");
            for added in text.iter().flat_map(|text| text.lines()) {
                line.push_str(&format!("\n    {added}"));
            }
            (To::Talk, line)
        }
        _ => return None,
    };
    Some(line)
}
