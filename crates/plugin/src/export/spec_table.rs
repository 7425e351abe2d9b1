//! Owned values with the tables that point into them.

use crate::abi::{KANRL_FLOAT32, KANRL_FLOAT64, KanrlCoordinate, KanrlFrame, KanrlParameter, KanrlSpec, KanrlText};
use kanrl_core::environment::{EnvironmentSpec, Frame, Parameter};
use kanrl_core::space::{ActionSpace, BoxSpace, ElementType};
use std::mem::size_of;
use std::ptr::null;

/// A spec and its table. The table points into the heap buffers of the other fields, which stay where they are.
pub struct SpecTable {
    pub table: KanrlSpec,
    _spec: EnvironmentSpec,
    _coordinates: [Vec<KanrlCoordinate>; 2],
    _texts: [Vec<KanrlText>; 2],
}

impl SpecTable {
    pub fn new(spec: EnvironmentSpec) -> Self {
        let observation = coordinates(&spec.observation_space);
        let (discrete, action, action_type) = match &spec.action_space {
            ActionSpace::Discrete(space) => (texts(&space.actions), Vec::new(), ElementType::F32),
            ActionSpace::Box(space) => (Vec::new(), coordinates(space), space.element_type),
        };
        let is_discrete = matches!(spec.action_space, ActionSpace::Discrete(_));
        let info_names = texts(&spec.info_names);
        let table = KanrlSpec {
            size: size_of::<KanrlSpec>(),
            observation: observation.as_ptr(),
            observation_count: observation.len(),
            discrete_actions: if is_discrete { discrete.as_ptr() } else { null() },
            discrete_action_count: discrete.len(),
            action: if is_discrete { null() } else { action.as_ptr() },
            action_count: action.len(),
            info_names: info_names.as_ptr(),
            info_count: info_names.len(),
            reward_threshold: spec.reward_threshold.unwrap_or(0.0),
            has_reward_threshold: spec.reward_threshold.is_some().into(),
            max_episode_steps: spec.max_episode_steps.unwrap_or(0),
            frames_per_second: spec.frames_per_second,
            observation_type: element_type(spec.observation_space.element_type),
            action_type: element_type(action_type),
        };
        Self { table, _spec: spec, _coordinates: [observation, action], _texts: [discrete, info_names] }
    }
}

/// Parameters and their tables.
#[derive(Default)]
pub struct ParameterTables {
    pub tables: Vec<KanrlParameter>,
    _parameters: Vec<Parameter>,
}

impl ParameterTables {
    pub fn new(parameters: Vec<Parameter>) -> Self {
        let tables = parameters.iter().map(|parameter| KanrlParameter {
            size: size_of::<KanrlParameter>(),
            name: KanrlText::new(&parameter.name),
            unit: KanrlText::new(&parameter.unit),
            value: parameter.value,
        });
        Self { tables: tables.collect(), _parameters: parameters }
    }
}

/// A picture and its table.
pub struct FrameTable {
    pub table: KanrlFrame,
    _frame: Frame,
}

impl FrameTable {
    pub fn new(frame: Frame) -> Self {
        let table = KanrlFrame {
            size: size_of::<KanrlFrame>(),
            width: frame.width,
            height: frame.height,
            rgb: frame.rgb.as_ptr(),
        };
        Self { table, _frame: frame }
    }
}

fn coordinates(space: &BoxSpace) -> Vec<KanrlCoordinate> {
    let table = |coordinate: &kanrl_core::space::Coordinate| KanrlCoordinate {
        size: size_of::<KanrlCoordinate>(),
        name: KanrlText::new(&coordinate.name),
        description: KanrlText::new(&coordinate.description),
        unit: KanrlText::new(&coordinate.unit),
        low: coordinate.low,
        high: coordinate.high,
    };
    space.coordinates.iter().map(table).collect()
}

fn texts(texts: &[String]) -> Vec<KanrlText> {
    texts.iter().map(|text| KanrlText::new(text)).collect()
}

fn element_type(element_type: ElementType) -> u32 {
    match element_type {
        ElementType::F32 => KANRL_FLOAT32,
        ElementType::F64 => KANRL_FLOAT64,
    }
}
