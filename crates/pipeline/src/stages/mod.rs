//! The standard stages, in order.
//!
//! | stage | needs | takes where there are any | provides |
//! |---|---|---|---|
//! | record_expert | | | expert_video |
//! | collect | | | dataset |
//! | fit | dataset | | fitted models, networks |
//! | dagger | dataset, fitted models | | aggregated data, models, networks |
//! | prune | dataset, fitted networks | aggregated data, networks | pruned networks |
//! | symbolify | dataset, fitted networks | aggregated data, networks; pruned networks | named networks |
//! | refine | dataset, named networks | aggregated data | faithful formulas |
//! | rivals | dataset, faithful formulas | | baseline formulas |
//! | polish | dataset, faithful formulas | baseline formulas | polished formulas |
//! | select | dataset, faithful formulas, named networks | baseline, polished formulas | selection |
//! | evaluate | fitted models, networks, named networks, faithful formulas, selection | all others of students | evaluation |
//! | record_formula | selection | | formula_video |
//! | report | dataset, fitted models and networks, named networks, selection, evaluation | all others | |
//!
//! Stages `record_expert`, `dagger`, `prune`, `rivals`, `polish`, `record_formula` and `report` may be left out: what would
//! have taken their artifacts takes what was there before them. Artifacts in the plural have a part for every student: each
//! network, and each formula without one.

pub mod artifacts;
pub mod baselines;
pub mod collect;
pub mod context;
pub mod dagger;
pub mod evaluate;
mod export;
pub mod fit;
pub mod per_student;
pub mod polish;
pub mod prune;
pub mod record;
pub mod refine;
pub mod report;
pub mod select;
pub mod symbolify;
pub mod teacher;

pub use export::export;

use crate::engine::{Pipeline, Stage};

/// The standard stages.
pub fn standard() -> Pipeline {
    let mut pipeline = Pipeline::new();
    pipeline
        .push(
            Stage::new("record_expert", "films an episode of the expert", record::record_expert)
                .configured_by("environment")
                .configured_by("expert")
                .configured_by("record"),
        )
        .push(
            Stage::new("collect", "plays the expert and records its observations and outputs", collect::collect)
                .configured_by("seed")
                .configured_by("environment")
                .configured_by("expert")
                .configured_by("collect"),
        )
        .push(
            Stage::new("fit", "fits the networks to the expert's scores", fit::fit)
                .configured_by("seed")
                .configured_by("students")
                .configured_by("approximator"),
        )
        .push(
            Stage::new("dagger", "lets the networks play, and the expert label the states they visit", dagger::dagger)
                .configured_by("students")
                .configured_by("approximator")
                .configured_by("dagger"),
        )
        .push(Stage::new("prune", "removes edges and nodes that hardly matter", prune::prune).configured_by("prune"))
        .push(
            Stage::new("symbolify", "names the curves, as long as the formula plays as before", symbolify::symbolify)
                .configured_by("library")
                .configured_by("symbolify"),
        )
        .push(
            Stage::new("refine", "fits all constants again, together, simplifies and rounds", refine::refine)
                .configured_by("dagger")
                .configured_by("refine"),
        )
        .push(
            Stage::new(
                "rivals",
                "adds a linear and a sparse quadratic formula, and your own candidates",
                baselines::rivals,
            )
            .configured_by("students")
            .configured_by("dagger")
            .configured_by("refine"),
        )
        .push(
            Stage::new("polish", "tunes the constants, from faithful to the expert to best in play", polish::polish)
                .configured_by("dagger")
                .configured_by("polish"),
        )
        .push(
            Stage::new("select", "picks the most faithful formula that plays as well as the expert", select::select)
                .configured_by("select"),
        )
        .push(
            Stage::new("evaluate", "plays expert, network and formulas on the same seeds", evaluate::evaluate)
                .configured_by("evaluate"),
        )
        .push(
            Stage::new("record_formula", "films an episode of the formula", record::record_formula)
                .configured_by("environment")
                .configured_by("record"),
        )
        .push(Stage::new("report", "writes the formula, the diagram and the metrics", report::report));
    pipeline
}
