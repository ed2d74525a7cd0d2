//! Writes the custom resource definitions as YAML into a folder. `cargo xtask codegen` runs it for the chart.

use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder: PathBuf = std::env::args_os().nth(1).ok_or("usage: crds FOLDER")?.into();
    std::fs::create_dir_all(&folder)?;
    for (name, definition) in devspace_api::crd::all() {
        std::fs::write(
            folder.join(name),
            devspace_api::crd::HEADER.to_owned() + &serde_saphyr::to_string(&definition)?,
        )?;
    }
    Ok(())
}
