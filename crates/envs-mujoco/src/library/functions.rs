#![allow(unsafe_code, reason = "defines the C functions that mujoco-rs declares")]

use libloading::Library;
use mujoco_rs::mujoco_c::*;
use std::ffi::{CStr, c_char, c_int, c_uchar, c_void};

/// For each function of MuJoCo that is used: a place for its address, and a definition that goes there.
macro_rules! forward {
    ($($(#[$attribute:meta])* fn $name:ident($($argument:ident: $type:ty),* $(,)?) $(-> $result:ty)?;)*) => {
        /// Where the library has its functions.
        #[allow(non_snake_case, reason = "the library's own names")]
        pub(super) struct Functions {
            $($name: unsafe extern "C" fn($($type),*) $(-> $result)?,)*
        }

        impl Functions {
            /// Looks the functions up.
            ///
            /// # Safety
            /// The library is MuJoCo; only its version may be asked for until that is known to be the right one.
            pub(super) unsafe fn resolve(library: &Library) -> Result<Self, libloading::Error> {
                // SAFETY: these are the signatures of the functions with these names, as checked below.
                unsafe { Ok(Self { $($name: *library.get(stringify!($name))?,)* }) }
            }
        }

        $(
            // The signature is the one that mujoco-rs declares.
            const _: unsafe extern "C" fn($($type),*) $(-> $result)? = mujoco_rs::mujoco_c::$name;

            // SAFETY: the name is MuJoCo's own, whose library is never linked.
            #[unsafe(no_mangle)]
            unsafe extern "C" fn $name($($argument: $type),*) $(-> $result)? {
                // SAFETY: the caller keeps the contract of the function of this name.
                unsafe { (super::functions().$name)($($argument),*) }
            }
        )*
    };
}

forward! {
    fn mj_addBufferVFS(vfs: *mut mjVFS, name: *const c_char, buffer: *const c_void, nbuffer: c_int) -> c_int;
    fn mj_copyModel(dest: *mut mjModel, src: *const mjModel) -> *mut mjModel;
    fn mj_defaultVFS(vfs: *mut mjVFS);
    fn mj_deleteData(d: *mut mjData);
    fn mj_deleteModel(m: *mut mjModel);
    fn mj_deleteVFS(vfs: *mut mjVFS);
    fn mj_forward(m: *const mjModel, d: *mut mjData);
    fn mj_getState(m: *const mjModel, d: *const mjData, state: *mut mjtNum, sig: c_int);
    fn mj_id2name(m: *const mjModel, type_: c_int, id: c_int) -> *const c_char;
    fn mj_loadXML(filename: *const c_char, vfs: *const mjVFS, error: *mut c_char, error_sz: c_int) -> *mut mjModel;
    fn mj_makeData(m: *const mjModel) -> *mut mjData;
    fn mj_name2id(m: *const mjModel, type_: c_int, name: *const c_char) -> c_int;
    fn mj_resetData(m: *const mjModel, d: *mut mjData);
    fn mj_rnePostConstraint(m: *const mjModel, d: *mut mjData);
    fn mj_setConst(m: *mut mjModel, d: *mut mjData);
    fn mj_setState(m: *const mjModel, d: *mut mjData, state: *const mjtNum, sig: c_int);
    fn mj_stateSize(m: *const mjModel, sig: c_int) -> c_int;
    fn mj_step(m: *const mjModel, d: *mut mjData);
    fn mj_version() -> c_int;
    fn mj_versionString() -> *const c_char;
    fn mjr_changeFont(fontscale: c_int, con: *mut mjrContext);
    fn mjr_defaultContext(con: *mut mjrContext);
    fn mjr_freeContext(con: *mut mjrContext);
    fn mjr_makeContext(m: *const mjModel, con: *mut mjrContext, fontscale: c_int);
    fn mjr_readPixels(rgb: *mut c_uchar, depth: *mut f32, viewport: mjrRect, con: *const mjrContext);
    fn mjr_render(viewport: mjrRect, scn: *mut mjvScene, con: *const mjrContext);
    fn mjr_setBuffer(framebuffer: c_int, con: *mut mjrContext);
    fn mju_getLogConfig() -> mjLogConfig;
    fn mju_setLogConfig(config: mjLogConfig);
    fn mju_setLogHandler(handler: mjfLogHandler) -> mjfLogHandler;
    fn mjv_defaultCamera(cam: *mut mjvCamera);
    fn mjv_defaultFreeCamera(m: *const mjModel, cam: *mut mjvCamera);
    fn mjv_defaultOption(opt: *mut mjvOption);
    fn mjv_defaultPerturb(pert: *mut mjvPerturb);
    fn mjv_defaultScene(scn: *mut mjvScene);
    fn mjv_freeScene(scn: *mut mjvScene);
    fn mjv_makeScene(m: *const mjModel, scn: *mut mjvScene, maxgeom: c_int);
    fn mjv_updateScene(m: *const mjModel, d: *mut mjData, opt: *const mjvOption, pert: *const mjvPerturb, cam: *mut mjvCamera, catmask: c_int, scn: *mut mjvScene);
}

impl Functions {
    /// The library's version, such as `3.17.0`.
    pub(super) fn version(&self) -> String {
        // SAFETY: the function takes nothing and returns a string that lives as long as the library.
        unsafe { CStr::from_ptr((self.mj_versionString)()) }.to_string_lossy().into_owned()
    }
}
