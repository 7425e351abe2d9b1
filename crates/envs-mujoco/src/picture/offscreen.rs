//! MuJoCo's own renderer, in a context that EGL gives without a window, an X server or a GPU.

use super::{CAMERA, SIZE};
use kanrl_core::environment::Frame;
use mujoco_rs::mujoco_c::_mjtObjBase;
use mujoco_rs::renderer::MjRenderer;
use mujoco_rs::wrappers::mj_visualization::MjvCamera;
use mujoco_rs::wrappers::{MjData, MjModel};
use std::cell::RefCell;

thread_local! {
    /// OpenGL contexts belong to a thread, environments do not: each thread that draws keeps one renderer, which takes
    /// up any model.
    static RENDERER: RefCell<Option<Result<MjRenderer, String>>> = const { RefCell::new(None) };
}

pub(super) fn draw(data: &mut MjData<Box<MjModel>>) -> Result<Frame, String> {
    RENDERER.with_borrow_mut(|slot| {
        let renderer = slot.get_or_insert_with(|| open(data.model())).as_mut().map_err(|reason| reason.clone())?;
        let failed = |error: mujoco_rs::renderer::RendererError| format!("rendering failed: {}", explain(&error));
        let camera = data.model().name_to_id(_mjtObjBase::mjOBJ_CAMERA, CAMERA);
        renderer.set_camera(camera.map_or_else(|| MjvCamera::new_free(data.model()), MjvCamera::new_fixed));
        renderer.sync_data(data).map_err(failed)?;
        renderer.render().map_err(failed)?;
        let rgb = renderer.rgb_flat().ok_or("the renderer has no picture")?.to_vec();
        Ok(Frame { width: SIZE, height: SIZE, rgb })
    })
}

fn open(model: &MjModel) -> Result<MjRenderer, String> {
    MjRenderer::new(model, SIZE, SIZE, 0).map_err(|error| explain(&error))
}

/// An error with its causes.
fn explain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
