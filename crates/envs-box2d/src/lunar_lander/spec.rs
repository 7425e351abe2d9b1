use super::LunarLanderVersion;
use kanrl_core::environment::EnvironmentSpec;
use kanrl_core::space::{ActionSpace, BoxSpace, Coordinate, ElementType};
use std::f32::consts::{PI, TAU};

pub(super) fn spec(version: LunarLanderVersion, id: &str, action_space: ActionSpace) -> EnvironmentSpec {
    let (position, velocity, angle) = match version {
        LunarLanderVersion::V2 => (1.5, 5.0, PI),
        LunarLanderVersion::V3 => (2.5, 10.0, TAU),
    };
    let coordinate = |name, unit, bound: f32, description| {
        Coordinate::new(name, unit, f64::from(-bound), f64::from(bound)).described(description)
    };
    let contact = |name, description| Coordinate::new(name, "1", -0.0, 1.0).described(description);
    let coordinates = vec![
        coordinate("x", "1", position, "distance from the pad's middle, in units of 10 m"),
        coordinate("y", "1", position, "height above the pad, in units of 20/3 m"),
        coordinate("x_dot", "1", velocity, "horizontal velocity, in units of 5 m/s"),
        coordinate("y_dot", "1", velocity, "vertical velocity, in units of 7.5 m/s"),
        coordinate("theta", "rad", angle, "tilt, counter-clockwise"),
        coordinate("theta_dot", "1", velocity, "angular velocity, in units of 2.5 rad/s"),
        contact("right_leg_contact", "1 while the right leg (Gymnasium's first) touches the ground"),
        contact("left_leg_contact", "1 while the left leg touches the ground"),
    ];
    EnvironmentSpec {
        id: id.to_owned(),
        observation_space: BoxSpace::new(ElementType::F32, coordinates),
        action_space,
        max_episode_steps: Some(1000),
        reward_threshold: Some(200.0),
        frames_per_second: 50,
        info_names: Vec::new(),
    }
}
