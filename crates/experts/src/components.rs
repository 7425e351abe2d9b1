//! The kinds of `[expert]` that this crate has.

use crate::bundled::BundledConfig;
use crate::demonstrations::DatasetConfig;
use crate::formula::FormulaConfig;
use crate::network_file::SafetensorsConfig;
use crate::observed::ObservedConfig;
use crate::sb3::Sb3Config;
use crate::torch::agent::TorchConfig;
use kanrl_core::config::ComponentDescription;

/// Every kind of expert in this build.
pub const COMPONENTS: &[ComponentDescription] = &[
    ComponentDescription {
        component: "expert",
        kind: "bundled",
        summary: "the expert that comes with kanrl for the run's environment",
        example: "kind = \"bundled\"\n",
        schema: |generator| generator.subschema_for::<BundledConfig>(),
    },
    ComponentDescription {
        component: "expert",
        kind: "sb3",
        summary: "a Stable-Baselines3 archive, with the normalization next to it",
        example: "kind = \"sb3\"\npath = \"agent.zip\"\n",
        schema: |generator| generator.subschema_for::<Sb3Config>(),
    },
    #[cfg(feature = "hub")]
    ComponentDescription {
        component: "expert",
        kind: "hub",
        summary: "a Stable-Baselines3 archive on the Hugging Face hub",
        example: "kind = \"hub\"\nrepository = \"sb3/ppo-CartPole-v1\"\n",
        schema: |generator| generator.subschema_for::<crate::hub::HubConfig>(),
    },
    ComponentDescription {
        component: "expert",
        kind: "safetensors",
        summary: "a network with a description in its metadata, such as `kanrl train-expert` writes",
        example: "kind = \"safetensors\"\npath = \"expert.safetensors\"\n",
        schema: |generator| generator.subschema_for::<SafetensorsConfig>(),
    },
    #[cfg(feature = "onnx")]
    ComponentDescription {
        component: "expert",
        kind: "onnx",
        summary: "a network in ONNX, such as torch exports",
        example: "kind = \"onnx\"\npath = \"policy.onnx\"\n",
        schema: |generator| generator.subschema_for::<crate::onnx::OnnxConfig>(),
    },
    ComponentDescription {
        component: "expert",
        kind: "torch",
        summary: "a state dict of any trainer, such as CleanRL's, rsl_rl's, rl_games', skrl's or Spinning Up's",
        example: "kind = \"torch\"\npath = \"policy.pt\"\nactivation = \"tanh\"\n",
        schema: |generator| generator.subschema_for::<TorchConfig>(),
    },
    ComponentDescription {
        component: "expert",
        kind: "formula",
        summary: "a formula, or a formula.json",
        example: "kind = \"formula\"\nexpression = \"3*theta + theta_dot\"\n",
        schema: |generator| generator.subschema_for::<FormulaConfig>(),
    },
    ComponentDescription {
        component: "expert",
        kind: "dataset",
        summary: "somebody's log of observations and actions, which needs no environment",
        example: "kind = \"dataset\"\npath = \"log.csv\"\n",
        schema: |generator| generator.subschema_for::<DatasetConfig>(),
    },
    ComponentDescription {
        component: "expert",
        kind: "observed",
        summary: "what a policy does in the states of a file, which needs no environment",
        example: "kind = \"observed\"\npolicy = \"agent.zip\"\nobservations = \"states.csv\"\n",
        schema: |generator| generator.subschema_for::<ObservedConfig>(),
    },
];
