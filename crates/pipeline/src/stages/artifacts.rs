//! What the students of a run are after each stage, and the latest of it whatever stages a pipeline leaves out.
//!
//! | artifact | made by | |
//! |---|---|---|
//! | [`FittedModels`], [`FittedNetworks`] | `fit` | of every student |
//! | [`AggregatedData`], [`AggregatedModels`], [`AggregatedNetworks`] | `dagger` | of students that a round made better, and of wider ones |
//! | [`PrunedNetworks`] | `prune` | of every student |
//! | [`NamedNetworks`] | `symbolify` | of every student |
//! | [`FaithfulFormulas`] | `refine` | of every student |
//! | [`BaselineFormulas`] | `baselines` | of formulas that need no network |
//! | [`PolishedFormulas`] | `polish` | of formulas of both kinds |

use crate::engine::{Input, OptionalInput};
use crate::stages::collect::data::ExpertData;
use crate::stages::fit::model::Model;
use crate::stages::fit::network::Network;
use crate::stages::per_student::{PerStudent, Step};
use crate::stages::polish::tuned::TunedFormulas;
use crate::students::network_of;
use bevy_ecs::system::SystemParam;
use kanrl_symbolic::Formula;

/// Step of a run: students are fitted to the expert's episodes.
#[derive(Debug)]
pub struct Fitted;
/// Step of a run: students learned from episodes of their own.
#[derive(Debug)]
pub struct Aggregated;
/// Step of a run: what matters little is cut off.
#[derive(Debug)]
pub struct Pruned;
/// Step of a run: edges have names, or are curves of few pieces where no name fits.
#[derive(Debug)]
pub struct Named;
/// Step of a run: formulas explain the expert.
#[derive(Debug)]
pub struct Faithful;
/// Step of a run: formulas without a network explain the expert.
#[derive(Debug)]
pub struct Baseline;
/// Step of a run: formulas are tuned.
#[derive(Debug)]
pub struct Polished;

/// Models fitted to the expert's episodes.
pub type FittedModels = PerStudent<Model, Fitted>;
/// Networks of [`FittedModels`]; none of a kind of approximator without a graph.
pub type FittedNetworks = PerStudent<Network, Fitted>;
/// Rows from the expert's episodes and the student's own.
pub type AggregatedData = PerStudent<ExpertData, Aggregated>;
/// Models fitted to [`AggregatedData`].
pub type AggregatedModels = PerStudent<Model, Aggregated>;
/// Networks of [`AggregatedModels`]; none of a kind of approximator without a graph.
pub type AggregatedNetworks = PerStudent<Network, Aggregated>;
/// Networks without edges and nodes that matter little.
pub type PrunedNetworks = PerStudent<Network, Pruned>;
/// Networks whose edges are named functions.
pub type NamedNetworks = PerStudent<Network, Named>;
/// Formulas fitted to the expert, nothing in them tuned on return.
pub type FaithfulFormulas = PerStudent<Formula, Faithful>;
/// Formulas fitted to the expert without a network.
pub type BaselineFormulas = PerStudent<Formula, Baseline>;
/// The same formulas with tuned constants; several of each, from the most faithful on.
pub type PolishedFormulas = PerStudent<TunedFormulas, Polished>;

macro_rules! names {
    ($($part:ty, $step:ty => $name:literal;)*) => {
        $(impl Step<$part> for $step {
            const NAME: &'static str = $name;
        })*
    };
}

names! {
    Model, Fitted => "fitted_models";
    Network, Fitted => "fitted_networks";
    ExpertData, Aggregated => "aggregated_data";
    Model, Aggregated => "aggregated_models";
    Network, Aggregated => "aggregated_networks";
    Network, Pruned => "pruned_networks";
    Network, Named => "named_networks";
    Formula, Faithful => "faithful_formulas";
    Formula, Baseline => "baseline_formulas";
    TunedFormulas, Polished => "polished_formulas";
}

/// System parameter: the rows that a student learns from, its own among them where there are any.
#[derive(SystemParam)]
pub struct LatestData<'w, 's> {
    collected: Input<'w, 's, ExpertData>,
    aggregated: OptionalInput<'w, 's, AggregatedData>,
}

impl LatestData<'_, '_> {
    /// The student's rows; a shorter formula has its network's.
    pub fn of(&self, student: &str) -> &ExpertData {
        self.aggregated.get().and_then(|own| own.get(network_of(student))).unwrap_or(&self.collected)
    }
}

/// System parameter: each student's model after all learning.
#[derive(SystemParam)]
pub struct LatestModels<'w, 's> {
    fitted: Input<'w, 's, FittedModels>,
    aggregated: OptionalInput<'w, 's, AggregatedModels>,
}

impl LatestModels<'_, '_> {
    /// The student's model, if it has one; a shorter formula has its network's.
    pub fn get(&self, student: &str) -> Option<&Model> {
        let student = network_of(student);
        self.aggregated.get().and_then(|own| own.get(student)).or_else(|| self.fitted.get(student))
    }
}

/// System parameter: each student's network after all learning, before anything is cut off.
#[derive(SystemParam)]
pub struct LearnedNetworks<'w, 's> {
    fitted: Input<'w, 's, FittedNetworks>,
    aggregated: OptionalInput<'w, 's, AggregatedNetworks>,
}

impl LearnedNetworks<'_, '_> {
    /// Every student's name and network.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Network)> {
        let aggregated = self.aggregated.get();
        let first =
            self.fitted.iter().map(move |(name, own)| (name, aggregated.and_then(|all| all.get(name)).unwrap_or(own)));
        let further = aggregated.into_iter().flat_map(PerStudent::iter);
        first.chain(further.filter(|(name, _)| self.fitted.get(name).is_none()))
    }
}

/// System parameter: each student's network as it is before its edges are named, pruned or not.
#[derive(SystemParam)]
pub struct UnnamedNetworks<'w, 's> {
    learned: LearnedNetworks<'w, 's>,
    pruned: OptionalInput<'w, 's, PrunedNetworks>,
}

impl UnnamedNetworks<'_, '_> {
    /// Every student's name and network.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Network)> {
        self.with_learned().map(|(name, network, _)| (name, network))
    }

    /// As [`Self::iter`], each with the network that nothing was cut off from.
    pub fn with_learned(&self) -> impl Iterator<Item = (&str, &Network, &Network)> {
        let pruned = self.pruned.get();
        self.learned
            .iter()
            .map(move |(name, learned)| (name, pruned.and_then(|own| own.get(name)).unwrap_or(learned), learned))
    }
}

/// System parameter: all formulas that explain the expert, those of networks first.
#[derive(SystemParam)]
pub struct ExplainingFormulas<'w, 's> {
    faithful: Input<'w, 's, FaithfulFormulas>,
    baselines: OptionalInput<'w, 's, BaselineFormulas>,
}

impl ExplainingFormulas<'_, '_> {
    /// Every student's name and formula.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Formula)> {
        self.faithful.iter().chain(self.baselines.get().into_iter().flat_map(PerStudent::iter))
    }
}
