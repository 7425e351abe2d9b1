//! Results for machines.

use crate::Failure;

/// Prints a value as indented JSON.
pub fn print(value: &impl serde::Serialize) -> Result<(), Failure> {
    println!("{}", serde_json::to_string_pretty(value).map_err(Failure::run)?);
    Ok(())
}
