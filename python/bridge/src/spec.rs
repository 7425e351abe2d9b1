//! What Gymnasium says about an environment, as kanrl's spec.

use crate::factory::Names;
use kanrl_core::environment::EnvironmentSpec;
use kanrl_core::space::{ActionSpace, BoxSpace, Coordinate, DiscreteSpace, ElementType};
use serde_json::Value;

/// The spec that `Lanes.description` in `gymnasium.py` tells; an error in words where the names do not fit.
pub fn spec(id: &str, description: &Value, names: &Names) -> Result<EnvironmentSpec, String> {
    let observation = &description["observation"];
    let mut observation_space = match observation["discrete"].as_u64() {
        Some(states) => {
            let number = Coordinate::new("x_0", "1", 0.0, states.saturating_sub(1) as f64);
            BoxSpace::new(ElementType::F64, vec![number.described("number of the state")])
        }
        None => box_space(observation, "x", "observation"),
    };
    rename(&mut observation_space, &names.observations, "observation")?;
    let action = &description["action"];
    let action_space = match action["discrete"].as_u64() {
        Some(actions) if names.actions.is_empty() => {
            ActionSpace::Discrete(DiscreteSpace::new((0..actions).map(|index| format!("action {index}"))))
        }
        Some(actions) if names.actions.len() as u64 == actions => {
            ActionSpace::Discrete(DiscreteSpace::new(&names.actions))
        }
        Some(actions) => return Err(format!("{} names for {actions} actions", names.actions.len())),
        None => {
            let mut space = box_space(action, "a", "action");
            rename(&mut space, &names.actions, "action")?;
            ActionSpace::Box(space)
        }
    };
    Ok(EnvironmentSpec {
        id: id.to_owned(),
        observation_space,
        action_space,
        max_episode_steps: description["max_episode_steps"].as_u64().and_then(|steps| u32::try_from(steps).ok()),
        reward_threshold: description["reward_threshold"].as_f64(),
        frames_per_second: description["frames_per_second"].as_u64().map_or(30, |frames| frames.clamp(1, 1000) as u32),
        info_names: vec![],
    })
}

fn box_space(space: &Value, letter: &str, what: &str) -> BoxSpace {
    let bounds = |name: &str| space[name].as_array().cloned().unwrap_or_default();
    let coordinate = |(index, (low, high)): (usize, (Value, Value))| {
        let (low, high) = (low.as_f64().unwrap_or(f64::NEG_INFINITY), high.as_f64().unwrap_or(f64::INFINITY));
        Coordinate::new(format!("{letter}_{index}"), "1", low, high).described(format!("{what} {index}"))
    };
    let coordinates = bounds("low").into_iter().zip(bounds("high")).enumerate().map(coordinate).collect();
    let element_type = if space["float32"] == true { ElementType::F32 } else { ElementType::F64 };
    BoxSpace::new(element_type, coordinates)
}

fn rename(space: &mut BoxSpace, names: &[String], what: &str) -> Result<(), String> {
    if names.is_empty() {
        return Ok(());
    }
    if names.len() != space.len() {
        return Err(format!("{} names for {} coordinates of the {what}", names.len(), space.len()));
    }
    for (coordinate, name) in space.coordinates.iter_mut().zip(names) {
        coordinate.name.clone_from(name);
    }
    Ok(())
}
