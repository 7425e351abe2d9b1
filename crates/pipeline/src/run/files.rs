//! What a run directory can hold.

use super::role::PolicyRole;

/// A file or a folder of a run directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RunFile {
    /// `config.toml`
    Config,
    /// `metrics.json`
    Metrics,
    /// `provenance.json`
    Provenance,
    /// `report.html`
    Report,
    /// `formula.json`
    Formula,
    /// `faithful.json`
    Faithful,
    /// `polished.json`
    Polished,
    /// `proof.json`
    Proof,
    /// `formula.tex`
    Latex,
    /// `kan.safetensors`
    Network,
    /// `kan.svg`
    Diagram,
    /// `expert.mp4`
    ExpertVideo,
    /// `formula.mp4`
    FormulaVideo,
    /// `run.log`
    Log,
    /// `events.jsonl`
    Events,
    /// `timings.json`
    Timings,
    /// `tensorboard`
    TensorBoard,
    /// `stages`
    Stages,
    /// `.lock`
    Lock,
}

/// What is known about a [`RunFile`].
struct Description {
    name: &'static str,
    /// None for a folder and for the lock.
    media_type: Option<&'static str>,
    meaning: &'static str,
}

const fn describe(name: &'static str, media_type: &'static str, meaning: &'static str) -> Description {
    Description { name, media_type: Some(media_type), meaning }
}

const fn internal(name: &'static str, meaning: &'static str) -> Description {
    Description { name, media_type: None, meaning }
}

const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";
const VIDEO: &str = "video/mp4";

impl RunFile {
    /// All of them, the most interesting ones first.
    pub const ALL: [Self; 19] = [
        Self::Report,
        Self::Config,
        Self::Metrics,
        Self::Provenance,
        Self::Formula,
        Self::Faithful,
        Self::Polished,
        Self::Proof,
        Self::Latex,
        Self::Network,
        Self::Diagram,
        Self::ExpertVideo,
        Self::FormulaVideo,
        Self::Log,
        Self::Events,
        Self::Timings,
        Self::TensorBoard,
        Self::Stages,
        Self::Lock,
    ];

    const fn description(self) -> Description {
        match self {
            Self::Config => describe(
                "config.toml",
                TEXT,
                "everything that was decided, defaults included; kanrl extract --config repeats the run",
            ),
            Self::Metrics => describe("metrics.json", JSON, "everything that was measured"),
            Self::Provenance => describe(
                "provenance.json",
                JSON,
                "where it came from: versions, hosts and commands of every process, digests of expert and data, seeds",
            ),
            Self::Report => describe("report.html", "text/html; charset=utf-8", "all of it on one page"),
            Self::Formula => describe("formula.json", JSON, "the formula, to be evaluated, exported and played"),
            Self::Faithful => describe(
                "faithful.json",
                JSON,
                "the chosen student's formula as it was distilled: nothing was tuned on return",
            ),
            Self::Polished => {
                describe("polished.json", JSON, "the chosen student's formula with its constants tuned on return")
            }
            Self::Proof => describe(
                "proof.json",
                JSON,
                "what is proved, measured and not known of the formula; kanrl verify writes it",
            ),
            Self::Latex => describe("formula.tex", TEXT, "the formula for a paper"),
            Self::Network => describe("kan.safetensors", "application/octet-stream", "the weights of the network"),
            Self::Diagram => describe("kan.svg", "image/svg+xml", "a diagram of the network"),
            Self::ExpertVideo => describe("expert.mp4", VIDEO, "an episode of the expert"),
            Self::FormulaVideo => describe("formula.mp4", VIDEO, "an episode of the formula, on the same seed"),
            Self::Log => describe("run.log", TEXT, "what happened, in words"),
            Self::Events => describe("events.jsonl", TEXT, "what happened, one JSON object per line"),
            Self::Timings => describe("timings.json", JSON, "seconds of each stage"),
            Self::TensorBoard => internal("tensorboard", "training curves for TensorBoard"),
            Self::Stages => internal("stages", "what each stage made"),
            Self::Lock => internal(".lock", "held by the process that works on the run"),
        }
    }

    /// Its name in the run directory.
    pub const fn name(self) -> &'static str {
        self.description().name
    }

    /// The media type of a file that is meant to be read by others; `None` for folders and for the lock.
    pub const fn media_type(self) -> Option<&'static str> {
        self.description().media_type
    }

    /// What it is, in one line.
    pub const fn meaning(self) -> &'static str {
        self.description().meaning
    }

    /// Whose policy it holds or shows.
    pub const fn role(self) -> Option<PolicyRole> {
        match self {
            Self::ExpertVideo => Some(PolicyRole::Expert),
            Self::Network | Self::Diagram => Some(PolicyRole::Network),
            Self::Faithful => Some(PolicyRole::Faithful),
            Self::Polished => Some(PolicyRole::Polished),
            Self::Formula | Self::Latex | Self::FormulaVideo => Some(PolicyRole::Headline),
            _ => None,
        }
    }

    /// The file that a policy can be read back from; none for the expert, which lies elsewhere.
    pub const fn of_policy(role: PolicyRole) -> Option<Self> {
        match role {
            PolicyRole::Expert => None,
            PolicyRole::Network => Some(Self::Network),
            PolicyRole::Faithful => Some(Self::Faithful),
            PolicyRole::Polished => Some(Self::Polished),
            PolicyRole::Headline => Some(Self::Formula),
        }
    }

    /// Whether it is a folder.
    pub const fn is_folder(self) -> bool {
        matches!(self, Self::TensorBoard | Self::Stages)
    }

    /// Whether it holds times, hosts or commands. All others are the same, bit for bit, for the same config and seed.
    pub const fn differs_between_runs(self) -> bool {
        matches!(self, Self::Provenance | Self::Log | Self::Events | Self::Timings | Self::TensorBoard)
    }

    /// The one of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|file| file.name() == name)
    }
}

impl std::fmt::Display for RunFile {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::RunFile;
    use crate::run::PolicyRole;

    #[test]
    fn every_file_is_found_by_its_name() {
        for file in RunFile::ALL {
            assert_eq!(RunFile::from_name(file.name()), Some(file));
            assert!(!file.meaning().is_empty());
            assert!(!file.is_folder() || file.media_type().is_none(), "{file}");
        }
        assert_eq!(RunFile::from_name("secret.txt"), None);
        for role in PolicyRole::ALL {
            let file = RunFile::of_policy(role);
            assert_eq!(file.and_then(RunFile::role), file.map(|_| role));
        }
    }
}
