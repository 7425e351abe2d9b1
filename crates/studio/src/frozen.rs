//! A run's page that needs no server: as data, and as one file with everything in it.

use crate::assets;
use crate::error::{ApiError, in_words};
use crate::rollout::{Player, Rehearsal};
use crate::story;
use kanrl_core::environment::EnvironmentRegistry;
use kanrl_pipeline::config::MergedConfig;
use kanrl_pipeline::run::{Metrics, PolicyRole, RunStore};
use serde_json::{Value, json};

/// Episodes of the expert that a page brings along.
const EPISODES: usize = 3;

/// Everything that the page shows and plays, as JSON: the story, some of the expert's episodes, and what was measured.
///
/// # Errors
/// In words, where the run's files cannot be read.
pub fn freeze(run: &RunStore, environments: &EnvironmentRegistry) -> Result<Value, ApiError> {
    let words = |error: &dyn std::error::Error| ApiError::unprocessable(in_words(error));
    let mut story = story::tell(run, environments)?;
    let config = run.config().and_then(|raw| MergedConfig::new(raw).resolve()).map_err(|error| words(&error))?;
    let mut experts = Vec::new();
    if config.is_played() {
        for episode in 0..EPISODES {
            let player = Player::ExpertOf(run.path().to_owned());
            let environment = config.environment.clone();
            let rehearsal = Rehearsal { environment, player, seed: config.seed, episode };
            // An expert that cannot be asked any more is missed, and nothing else.
            experts.extend(rehearsal.episode(environments).ok());
        }
    }
    story["experts"] = json!(experts);
    let mut metrics = Metrics::read(run).map_err(|error| words(&error))?;
    // The story has them.
    metrics.candidates.clear();
    let headline = run.formula(PolicyRole::Headline).map_err(|error| words(&error))?;
    Ok(json!({
        "story": story,
        "detail": {
            "environment": config.environment.id,
            "seed": config.seed,
            "expert": metrics.returns.get(&PolicyRole::Expert).map(|returns| returns.mean),
            "widths": config.students.widths,
            "metrics": metrics,
            "proof": crate::runs::proof(run),
            "formulas": { "headline": crate::api::exports(&headline) },
        },
    }))
}

/// The page as one file: it loads nothing, from nowhere.
pub fn page(frozen: &Value) -> String {
    let script = |name: &str| {
        let bytes = assets::find(name, None).map(|(bytes, _)| bytes).unwrap_or_default();
        // From a data address, a name beside it means nothing: they are known by the map.
        String::from_utf8_lossy(&bytes).replace("from \"./", "from \"kanrl/")
    };
    let modules = assets::names().filter(|name| name.ends_with(".js") && *name != "app.js");
    let imports: serde_json::Map<String, Value> = modules
        .map(|name| {
            let source = encoded(&script(name));
            (format!("kanrl/{name}"), json!(format!("data:text/javascript;charset=utf-8,{source}")))
        })
        .collect();
    let style = assets::find("style.css", None).map(|(bytes, _)| bytes).unwrap_or_default();
    let title = frozen["detail"]["environment"].as_str().unwrap_or_default();
    // Nothing in the data ends the element that it stands in.
    let data = frozen.to_string().replace("</", "<\\/");
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{} – kanrl</title>\n<style>{}</style>\n\
         <script type=\"importmap\">{}</script>\n</head>\n<body>\n<main id=\"main\"></main>\n\
         <div id=\"announcer\" class=\"hidden\" aria-live=\"polite\"></div>\n\
         <script type=\"application/json\" id=\"frozen\">{data}</script>\n\
         <script type=\"module\">import {{ frozenPage }} from \"kanrl/frozen.js\"; \
         frozenPage(document.getElementById(\"main\"), JSON.parse(document.getElementById(\"frozen\").textContent));</script>\n\
         </body>\n</html>\n",
        escaped(title),
        String::from_utf8_lossy(&style),
        json!({ "imports": imports }),
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

/// Text as it stands in an address, with as little escaped as may be.
fn encoded(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len() * 5 / 4), |mut address, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => address.push(char::from(byte)),
            b'-' | b'_' | b'.' | b'!' | b'~' | b'*' | b'(' | b')' | b';' | b',' | b'/' | b'?' | b':' | b'@' | b'&'
            | b'=' | b'+' | b'$' => {
                address.push(char::from(byte));
            }
            other => address.push_str(&format!("%{other:02X}")),
        }
        address
    })
}

#[cfg(test)]
mod tests {
    use super::page;
    use serde_json::json;

    #[test]
    fn the_page_is_one_file_whatever_stands_in_its_data() {
        let text = page(&json!({ "detail": { "environment": "<Cart>" }, "story": "</script><b>" }));
        assert!(!text.contains("</script><b>") && text.contains("&lt;Cart>"));
        for outside in ["src=", "href=\"http", "url(http", "from \"./"] {
            assert!(!text.contains(outside), "{outside}");
        }
    }
}
