//! The physical constants of a robot that can be changed by name.

use crate::simulation::Simulation;
use kanrl_core::environment::{EnvironmentError, Parameter};
use mujoco_rs::mujoco_c::{_mjtObjBase as Kind, mjtJoint};
use mujoco_rs::wrappers::MjModel;

/// One constant: where it lies in the model.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Constant {
    TimeStep,
    Gravity,
    FluidDensity,
    FluidViscosity,
    /// Of a body; its inertia changes in proportion.
    Mass(usize),
    /// Of a joint with one degree of freedom, whose index is given.
    Damping(usize),
    /// Of a geometry: against sliding.
    Friction(usize),
    /// Of an actuator: force or torque at control 1.
    Gear(usize),
}

/// All constants: `timestep`, `gravity`, `density` and `viscosity` of the air or fluid, then `mass_BODY`,
/// `damping_JOINT`, `friction_GEOM` (of those that can touch something) and `gear_JOINT`.
pub(crate) fn list(simulation: &Simulation) -> Vec<Parameter> {
    let model = simulation.data().model();
    let parameter = |(name, unit, constant)| Parameter { name, unit: str::to_owned(unit), value: get(model, constant) };
    constants(model).into_iter().map(parameter).collect()
}

/// Changes the constant of that name.
pub(crate) fn set(simulation: &mut Simulation, id: &str, name: &str, value: f64) -> Result<(), EnvironmentError> {
    let found = constants(simulation.data().model()).into_iter().find(|(candidate, ..)| candidate == name);
    let Some((_, unit, constant)) = found else {
        return Err(EnvironmentError::unknown_parameter(id, name, &list(simulation)));
    };
    let positive = matches!(constant, Constant::TimeStep | Constant::Mass(_));
    let signed = matches!(constant, Constant::Gravity | Constant::Gear(_));
    if !value.is_finite() || (positive && value <= 0.0) || (!signed && value < 0.0) {
        let wanted = match (positive, signed) {
            (true, _) => "a positive number",
            (_, true) => "a finite number",
            _ => "a number that is not negative",
        };
        let reason = format!("parameter {name} is {value}, expected {wanted} ({unit})");
        return Err(EnvironmentError::BadArguments { id: id.to_owned(), reason });
    }
    let inertia = if let Constant::Mass(body) = constant { simulation.inertia_at(body, value) } else { [0.0; 3] };
    simulation.change_model(|model| put(model, constant, value, inertia));
    Ok(())
}

fn constants(model: &MjModel) -> Vec<(String, &'static str, Constant)> {
    let name = |kind, index, what: &str| match model.id_to_name(kind, index) {
        Some(name) => name.to_owned(),
        None => format!("{what}_{index}"),
    };
    let mut constants =
        vec![("timestep".to_owned(), "s", Constant::TimeStep), ("gravity".to_owned(), "m/s^2", Constant::Gravity)];
    if model.opt().density > 0.0 {
        constants.push(("density".to_owned(), "kg/m^3", Constant::FluidDensity));
        constants.push(("viscosity".to_owned(), "Pa s", Constant::FluidViscosity));
    }
    // Body 0 is the world.
    for body in 1..model.body_mass().len() {
        constants.push((format!("mass_{}", name(Kind::mjOBJ_BODY, body, "body")), "kg", Constant::Mass(body)));
    }
    for (joint, kind) in model.jnt_type().iter().enumerate() {
        let unit = match kind {
            mjtJoint::mjJNT_SLIDE => "N s/m",
            mjtJoint::mjJNT_HINGE => "N m s/rad",
            _ => continue,
        };
        let degree_of_freedom = model.jnt_dofadr()[joint] as usize;
        let name = format!("damping_{}", name(Kind::mjOBJ_JOINT, joint, "joint"));
        constants.push((name, unit, Constant::Damping(degree_of_freedom)));
    }
    for geom in 0..model.geom_friction().len() {
        let (type_bits, affinity_bits) = (model.geom_contype(), model.geom_conaffinity());
        let touches = (0..type_bits.len()).any(|other| {
            other != geom && (type_bits[geom] & affinity_bits[other] | type_bits[other] & affinity_bits[geom]) != 0
        });
        if touches {
            let name = format!("friction_{}", name(Kind::mjOBJ_GEOM, geom, "geom"));
            constants.push((name, "1", Constant::Friction(geom)));
        }
    }
    for (actuator, target) in model.actuator_trnid().iter().enumerate() {
        let joint = target[0] as usize;
        let unit = if model.jnt_type()[joint] == mjtJoint::mjJNT_SLIDE { "N" } else { "N m" };
        constants.push((format!("gear_{}", name(Kind::mjOBJ_JOINT, joint, "joint")), unit, Constant::Gear(actuator)));
    }
    constants
}

fn get(model: &MjModel, constant: Constant) -> f64 {
    match constant {
        Constant::TimeStep => model.opt().timestep,
        Constant::Gravity => -model.opt().gravity[2],
        Constant::FluidDensity => model.opt().density,
        Constant::FluidViscosity => model.opt().viscosity,
        Constant::Mass(body) => model.body_mass()[body],
        Constant::Damping(degree_of_freedom) => model.dof_damping()[degree_of_freedom],
        Constant::Friction(geom) => model.geom_friction()[geom][0],
        Constant::Gear(actuator) => model.actuator_gear()[actuator][0],
    }
}

/// `inertia` belongs to a changed mass.
fn put(model: &mut MjModel, constant: Constant, value: f64, inertia: [f64; 3]) {
    match constant {
        Constant::TimeStep => model.opt_mut().timestep = value,
        Constant::Gravity => model.opt_mut().gravity[2] = -value,
        Constant::FluidDensity => model.opt_mut().density = value,
        Constant::FluidViscosity => model.opt_mut().viscosity = value,
        Constant::Mass(body) => {
            model.body_mass_mut()[body] = value;
            model.body_inertia_mut()[body] = inertia;
        }
        Constant::Damping(degree_of_freedom) => model.dof_damping_mut()[degree_of_freedom] = value,
        Constant::Friction(geom) => model.geom_friction_mut()[geom][0] = value,
        Constant::Gear(actuator) => model.actuator_gear_mut()[actuator][0] = value,
    }
}
