//! A printed config with the JSON schema's explanations as comments.

use serde_json::Value;
use toml::Table;

/// Characters of a line of comment.
const WIDTH: usize = 100;

/// `config`, as TOML, with a comment above each section and field.
pub fn explained(config: &str, schema: &Value) -> String {
    let table: Table = config.parse().unwrap_or_default();
    let mut text = String::new();
    let mut section: Option<&str> = None;
    for line in config.lines() {
        let header = line.trim_start_matches('[').trim_end_matches(']');
        let about = match (line.starts_with('['), header.split_once('.'), line.split_once(" = ")) {
            (true, None, _) => {
                section = Some(header);
                description(&schema["properties"][header])
            }
            (true, Some((outer, inner)), _) => {
                section = None;
                field(schema, &table, outer, inner)
            }
            (false, _, Some((key, _))) => match section {
                Some(section) => field(schema, &table, section, key),
                None => description(&schema["properties"][key]),
            },
            _ => None,
        };
        wrap(about.unwrap_or_default(), &mut text);
        text += line;
        text.push('\n');
    }
    text
}

/// What the schema says about a field of a section; of a section with kinds, the one that the config names.
fn field<'a>(schema: &'a Value, config: &Table, section: &str, key: &str) -> Option<&'a str> {
    let mut own = &schema["properties"][section];
    if let Some(choices) = own["anyOf"].as_array() {
        let kind = config.get(section)?.get("kind")?.as_str()?;
        own = choices.iter().find(|choice| choice["properties"]["kind"]["const"] == kind)?;
    }
    if let Some(name) = own["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()) {
        own = &schema["$defs"][name];
    }
    description(&own["properties"][key])
}

fn description(schema: &Value) -> Option<&str> {
    schema["description"].as_str()
}

fn wrap(about: &str, text: &mut String) {
    let mut length = 0;
    for word in about.replace("[`", "`").replace("`]", "`").split_whitespace() {
        if length == 0 || length + 1 + word.chars().count() > WIDTH {
            *text += if length == 0 { "#" } else { "\n#" };
            length = 1;
        }
        text.push(' ');
        *text += word;
        length += 1 + word.chars().count();
    }
    if length > 0 {
        text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::explained;
    use kanrl_pipeline::config::{MergedConfig, RawConfig, schema};

    #[test]
    fn comments_explain_sections_and_fields_and_change_nothing() {
        let config = MergedConfig::new(RawConfig::default()).resolve().expect("the defaults").to_toml();
        let schema = serde_json::to_value(schema()).expect("a schema");
        let text = explained(&config, &schema);
        assert_eq!(text.parse::<toml::Table>().expect("TOML"), config.parse().expect("TOML"));
        assert!(text.lines().all(|line| !line.starts_with('#') || line.chars().count() <= 101), "{text}");
        for line in
            ["# Random seed.\nseed", "# The expert episodes to learn from.\n[collect]", "validation.\nvalidation"]
        {
            assert!(text.contains(line), "{line}: {text}");
        }
        assert!(text.contains("# Number of grid intervals G of each curve. Default 5.\ngrid"), "{text}");
    }
}
