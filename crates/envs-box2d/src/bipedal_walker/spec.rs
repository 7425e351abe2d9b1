use kanrl_core::environment::EnvironmentSpec;
use kanrl_core::space::{ActionSpace, BoxSpace, Coordinate, ElementType};
use std::f32::consts::PI;

pub(super) fn spec(id: &str, max_episode_steps: u32) -> EnvironmentSpec {
    let mut coordinates = vec![
        coordinate("hull_angle", "rad", PI, "tilt of the hull, counter-clockwise"),
        coordinate("hull_angle_dot", "1", 5.0, "angular velocity of the hull, in units of 25 rad/s"),
        coordinate("x_dot", "1", 5.0, "horizontal velocity of the hull, in units of 25/3 m/s"),
        coordinate("y_dot", "1", 5.0, "vertical velocity of the hull, in units of 12.5 m/s"),
    ];
    for leg in [1, 2] {
        coordinates.extend([
            coordinate(format!("hip_{leg}"), "rad", PI, "angle of the hip"),
            coordinate(format!("hip_{leg}_dot"), "1", 5.0, "speed of the hip, in units of 4 rad/s"),
            coordinate(format!("knee_{leg}"), "rad", PI, "angle of the knee, plus 1"),
            coordinate(format!("knee_{leg}_dot"), "1", 5.0, "speed of the knee, in units of 6 rad/s"),
            Coordinate::new(format!("leg_{leg}_contact"), "1", -0.0, 5.0)
                .described("1 while the lower leg touches the ground"),
        ]);
    }
    coordinates.extend((0..10).map(|ray| {
        let description = "distance of the ground along a ray, in units of 16/3 m; 1 where nothing is hit";
        coordinate(format!("lidar_{ray}"), "1", 1.0, description)
    }));
    let torques = ["hip_1_torque", "knee_1_torque", "hip_2_torque", "knee_2_torque"];
    let torques = torques.map(|name| coordinate(name, "1", 1.0, "torque of the joint's motor, in units of 80 N*m"));
    EnvironmentSpec {
        id: id.to_owned(),
        observation_space: BoxSpace::new(ElementType::F32, coordinates),
        action_space: ActionSpace::Box(BoxSpace::new(ElementType::F32, torques.into())),
        max_episode_steps: Some(max_episode_steps),
        reward_threshold: Some(300.0),
        frames_per_second: 50,
        info_names: Vec::new(),
    }
}

fn coordinate(name: impl Into<String>, unit: &str, bound: f32, description: &str) -> Coordinate {
    Coordinate::new(name, unit, f64::from(-bound), f64::from(bound)).described(description)
}
