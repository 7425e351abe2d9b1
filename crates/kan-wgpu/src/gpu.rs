//! The device: buffers, pipelines, and the way back.

use crate::error::GpuError;
use pollster::block_on;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use wgpu::{Buffer, BufferUsages, CommandEncoder, ComputePipeline, Limits};

/// Threads of every workgroup, and rows that one of them computes.
pub(crate) const GROUP: usize = 64;
/// Numbers that reductions can leave on the device.
const SCALARS: u64 = 128;
/// Workgroups of an element-wise operation, and of a reduction's first round, at most.
const GROUPS: usize = 256;

/// Bytes that the smallest buffers need.
const SMALLEST_BUFFER: u64 = 4096;

/// How a device is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GpuOptions {
    /// The drivers that are looked for. Default Vulkan's.
    pub backends: wgpu::Backends,
    /// Bytes of one buffer at most, 4096 or more; no more than the adapter allows. Default as much as that. What does not
    /// fit into one is split where it can be.
    pub largest_buffer: u64,
}

impl Default for GpuOptions {
    fn default() -> Self {
        Self { backends: wgpu::Backends::VULKAN, largest_buffer: u64::MAX }
    }
}

/// A device with what all computations on it share.
pub struct Gpu {
    device: wgpu::Device,
    queue: wgpu::Queue,
    info: wgpu::AdapterInfo,
    limits: Limits,
    failure: Arc<Mutex<Option<GpuError>>>,
    pipelines: Mutex<HashMap<String, ComputePipeline>>,
    /// Results of reductions, each in two floats.
    pub(crate) scalars: Buffer,
    /// What a reduction's first round leaves.
    pub(crate) partials: Buffer,
    /// Held while `scalars` and `partials` are in use.
    reducing: Mutex<()>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Gpu {
    /// The device that all fits of this program share; opened when it is first asked for.
    ///
    /// # Errors
    /// [`GpuError::NoAdapter`] and [`GpuError::NoDevice`], every time; [`GpuError::DeviceLost`] once it is.
    pub fn shared() -> Result<Arc<Self>, GpuError> {
        static SHARED: OnceLock<Result<Arc<Gpu>, GpuError>> = OnceLock::new();
        let gpu = SHARED.get_or_init(|| Self::open(&GpuOptions::default())).clone()?;
        match &*lock(&gpu.failure) {
            Some(lost @ GpuError::DeviceLost { .. }) => Err(lost.clone()),
            _ => Ok(()),
        }?;
        Ok(gpu)
    }

    /// A device of its own.
    ///
    /// # Errors
    /// [`GpuError::NoAdapter`], [`GpuError::NoDevice`], and [`GpuError::OutOfMemory`].
    pub fn open(options: &GpuOptions) -> Result<Arc<Self>, GpuError> {
        let adapter = adapter(options)?;
        let mut limits = adapter.limits();
        let largest = options.largest_buffer.max(SMALLEST_BUFFER);
        limits.max_buffer_size = limits.max_buffer_size.min(largest);
        limits.max_storage_buffer_binding_size = limits.max_storage_buffer_binding_size.min(largest);
        let (device, queue) = request(&adapter, &limits)?;
        let info = adapter.get_info();
        let failure = Arc::new(Mutex::new(None));
        let keep = |failure: &Arc<Mutex<Option<GpuError>>>| {
            let failure = Arc::clone(failure);
            move |error: GpuError| {
                let mut failure = lock(&failure);
                // A device that is gone matters more than the commands that fail because of it.
                if failure.is_none() || matches!(error, GpuError::DeviceLost { .. }) {
                    *failure = Some(error);
                }
            }
        };
        let (on_error, on_loss) = (keep(&failure), keep(&failure));
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| on_error(from_wgpu(&error))));
        device.set_device_lost_callback(move |reason, message| {
            on_loss(GpuError::DeviceLost { reason: format!("{reason:?}: {message}") });
        });
        let usage = BufferUsages::STORAGE | BufferUsages::COPY_SRC;
        let scalars = allocate(&device, "reductions", 8 * SCALARS, usage)?;
        let partials = allocate(&device, "reductions", 8 * GROUPS as u64, usage)?;
        let (pipelines, reducing) = (Mutex::default(), Mutex::default());
        tracing::debug!(adapter = info.name, driver = info.driver, "opened a device");
        Ok(Arc::new(Self { device, queue, info, limits, failure, pipelines, scalars, partials, reducing }))
    }

    /// The adapter's name and driver.
    pub fn name(&self) -> String {
        let driver = format!("{} {}", self.info.driver, self.info.driver_info);
        format!("{} ({})", self.info.name, driver.trim())
    }

    /// Whether it is a program on the CPU (llvmpipe) that stands in for a GPU.
    pub fn is_software(&self) -> bool {
        self.info.device_type == wgpu::DeviceType::Cpu
    }

    /// Gives the device up: whatever comes later fails with [`GpuError::DeviceLost`].
    pub fn destroy(&self) {
        self.device.destroy();
        // The driver's own word for it may come after the first command that fails.
        *lock(&self.failure) = Some(GpuError::DeviceLost { reason: "it was given up".to_owned() });
        let _ = self.device.poll(wgpu::PollType::Poll);
    }

    /// What it can have.
    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Whether everything so far has worked.
    ///
    /// # Errors
    /// The first thing that has not.
    pub fn check(&self) -> Result<(), GpuError> {
        if lock(&self.failure).is_some() {
            // A command can fail before the driver says that the device is lost, which is what matters then.
            let _ = self.device.poll(wgpu::PollType::Poll);
        }
        lock(&self.failure).clone().map_or(Ok(()), Err)
    }

    pub(crate) fn fail(&self, error: GpuError) {
        lock(&self.failure).get_or_insert(error);
    }

    /// Largest number of f32 that one buffer can have.
    pub(crate) fn most_numbers(&self) -> u64 {
        self.limits.max_storage_buffer_binding_size.min(self.limits.max_buffer_size) / 4
    }

    /// Room for `count` f32, zeros at first.
    pub(crate) fn buffer(&self, what: &'static str, count: usize) -> Result<Buffer, GpuError> {
        self.check()?;
        let (needed, limit) = (count as u64, self.most_numbers());
        if needed > limit {
            return Err(GpuError::Limit { what, needed: 4 * needed, limit: 4 * limit, unit: "bytes in one buffer" });
        }
        // vec4s are read whole.
        let size = (4 * needed).next_multiple_of(16).max(16);
        let usage = BufferUsages::STORAGE | BufferUsages::COPY_SRC | BufferUsages::COPY_DST;
        let buffer = allocate(&self.device, what, size, usage)?;
        self.check().map(|()| buffer)
    }

    /// A buffer with these numbers.
    pub(crate) fn filled<T: bytemuck::NoUninit>(&self, what: &'static str, values: &[T]) -> Result<Buffer, GpuError> {
        let buffer = self.buffer(what, size_of_val(values) / 4)?;
        self.write(&buffer, values);
        Ok(buffer)
    }

    /// Overwrites the first numbers of a buffer.
    pub(crate) fn write<T: bytemuck::NoUninit>(&self, buffer: &Buffer, values: &[T]) {
        if !values.is_empty() {
            self.queue.write_buffer(buffer, 0, bytemuck::cast_slice(values));
        }
    }

    fn uniform<T: bytemuck::NoUninit>(&self, value: &T) -> Buffer {
        let contents = bytemuck::bytes_of(value);
        let (size, usage) = (contents.len() as u64, BufferUsages::UNIFORM | BufferUsages::COPY_DST);
        let descriptor = wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false };
        // Not mapped: on a device that is lost that would be a panic.
        let buffer = self.device.create_buffer(&descriptor);
        self.queue.write_buffer(&buffer, 0, contents);
        buffer
    }

    /// The compiled shader of this text; compiled once.
    pub(crate) fn pipeline(&self, name: &str, text: String) -> Result<ComputePipeline, GpuError> {
        self.check()?;
        if let Some(pipeline) = lock(&self.pipelines).get(&text) {
            return Ok(pipeline.clone());
        }
        let scopes = [wgpu::ErrorFilter::Validation, wgpu::ErrorFilter::Internal];
        let scopes = scopes.map(|filter| self.device.push_error_scope(filter));
        let source = wgpu::ShaderSource::Wgsl(text.as_str().into());
        let module = self.device.create_shader_module(wgpu::ShaderModuleDescriptor { label: Some(name), source });
        let pipeline = self.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(name),
            layout: None,
            module: &module,
            entry_point: Some("main"),
            compilation_options: wgpu::PipelineCompilationOptions::default(),
            cache: None,
        });
        let mut refused = None;
        for scope in scopes.into_iter().rev() {
            refused = block_on(scope.pop()).or(refused);
        }
        if let Some(error) = refused {
            return Err(GpuError::Shader { shader: name.to_owned(), reason: error.to_string() });
        }
        lock(&self.pipelines).insert(text, pipeline.clone());
        Ok(pipeline)
    }

    /// A kernel with what it works on: a uniform, then buffers in the order of their bindings.
    pub(crate) fn dispatch<T: bytemuck::NoUninit>(
        &self,
        pipeline: &ComputePipeline,
        uniform: &T,
        buffers: &[&Buffer],
        groups: [usize; 3],
    ) -> Dispatch {
        let uniform = self.uniform(uniform);
        let entries: Vec<wgpu::BindGroupEntry<'_>> = std::iter::once(&uniform)
            .chain(buffers.iter().copied())
            .zip(0..)
            .map(|(buffer, binding)| wgpu::BindGroupEntry { binding, resource: buffer.as_entire_binding() })
            .collect();
        let layout = &pipeline.get_bind_group_layout(0);
        let bindings =
            self.device.create_bind_group(&wgpu::BindGroupDescriptor { label: None, layout, entries: &entries });
        Dispatch { pipeline: pipeline.clone(), bindings, groups: groups.map(|count| count as u32) }
    }

    pub(crate) fn encoder(&self) -> CommandEncoder {
        self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default())
    }

    pub(crate) fn submit(&self, encoder: CommandEncoder) {
        self.queue.submit([encoder.finish()]);
    }

    /// Runs kernels one after another.
    pub(crate) fn run(&self, dispatches: &[Dispatch]) {
        let mut encoder = self.encoder();
        record(&mut encoder, dispatches);
        self.submit(encoder);
    }

    /// Runs a reduction, and what leads to it, and gives its result; NaN where something failed.
    pub(crate) fn reduce(&self, dispatches: &[Dispatch]) -> f64 {
        let _guard = self.reduction();
        self.run(dispatches);
        let result = self.read(&self.scalars, 2).unwrap_or_else(|error| {
            self.fail(error);
            vec![f32::NAN; 2]
        });
        f64::from(result[0]) + f64::from(result[1])
    }

    /// Held by whoever uses `scalars`.
    pub(crate) fn reduction(&self) -> MutexGuard<'_, ()> {
        lock(&self.reducing)
    }

    /// Copies the first numbers of a buffer to the host.
    pub(crate) fn read(&self, buffer: &Buffer, count: usize) -> Result<Vec<f32>, GpuError> {
        self.check()?;
        if count == 0 {
            return Ok(Vec::new());
        }
        let failed = |error: &dyn std::error::Error| GpuError::Command { reason: error.to_string() };
        let size = 4 * count as u64;
        let usage = BufferUsages::MAP_READ | BufferUsages::COPY_DST;
        let host = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("numbers on their way to the host"),
            size,
            usage,
            mapped_at_creation: false,
        });
        let mut encoder = self.encoder();
        encoder.copy_buffer_to_buffer(buffer, 0, &host, 0, size);
        self.submit(encoder);
        let (sender, receiver) = std::sync::mpsc::channel();
        host.map_async(wgpu::MapMode::Read, .., move |result| {
            let _ = sender.send(result);
        });
        self.device.poll(wgpu::PollType::wait_indefinitely()).map_err(|error| failed(&error))?;
        self.check()?;
        // Where threads share a device, another one's poll may be the one that is about to bring the answer.
        match receiver.recv_timeout(ANSWER) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(failed(&error)),
            Err(error) => return Err(failed(&error)),
        }
        let view = host.get_mapped_range(..).map_err(|error| failed(&error))?;
        Ok(bytemuck::pod_collect_to_vec(&view))
    }
}

/// How long an answer may be on its way after everything has been computed.
const ANSWER: Duration = Duration::from_secs(60);

/// Workgroups of an operation on so many numbers.
pub(crate) fn groups(count: usize) -> [usize; 3] {
    [count.div_ceil(GROUP).clamp(1, GROUPS), 1, 1]
}

/// A kernel, ready to run again and again.
#[derive(Clone)]
pub(crate) struct Dispatch {
    pipeline: ComputePipeline,
    bindings: wgpu::BindGroup,
    groups: [u32; 3],
}

/// Notes kernels down, one after another.
pub(crate) fn record(encoder: &mut CommandEncoder, dispatches: &[Dispatch]) {
    let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
    for dispatch in dispatches {
        pass.set_pipeline(&dispatch.pipeline);
        pass.set_bind_group(0, &dispatch.bindings, &[]);
        let [x, y, z] = dispatch.groups;
        pass.dispatch_workgroups(x, y, z);
    }
}

fn adapter(options: &GpuOptions) -> Result<wgpu::Adapter, GpuError> {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = options.backends;
    let options = wgpu::RequestAdapterOptions {
        power_preference: wgpu::PowerPreference::HighPerformance,
        ..wgpu::RequestAdapterOptions::default()
    };
    block_on(wgpu::Instance::new(descriptor).request_adapter(&options))
        .map_err(|error| GpuError::NoAdapter { reason: error.to_string() })
}

fn request(adapter: &wgpu::Adapter, limits: &Limits) -> Result<(wgpu::Device, wgpu::Queue), GpuError> {
    let descriptor = wgpu::DeviceDescriptor {
        label: Some("kan-wgpu"),
        required_limits: limits.clone(),
        ..wgpu::DeviceDescriptor::default()
    };
    block_on(adapter.request_device(&descriptor))
        .map_err(|error| GpuError::NoDevice { adapter: adapter.get_info().name, reason: error.to_string() })
}

/// Room for `size` bytes.
fn allocate(device: &wgpu::Device, what: &'static str, size: u64, usage: BufferUsages) -> Result<Buffer, GpuError> {
    let scope = device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
    let buffer =
        device.create_buffer(&wgpu::BufferDescriptor { label: Some(what), size, usage, mapped_at_creation: false });
    match block_on(scope.pop()) {
        Some(_) => Err(GpuError::OutOfMemory { what, bytes: size }),
        None => Ok(buffer),
    }
}

fn from_wgpu(error: &wgpu::Error) -> GpuError {
    match error {
        wgpu::Error::OutOfMemory { .. } => GpuError::Command {
            reason: "it is out of memory; use fewer rows, a smaller network, or device = \"cpu\"".to_owned(),
        },
        other => GpuError::Command { reason: other.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::{Gpu, GpuOptions, adapter, request};
    use crate::error::GpuError;
    use std::process::Command;

    #[test]
    fn an_adapter_that_gives_no_device_is_named() {
        let Ok(adapter) = adapter(&GpuOptions::default()) else { return };
        let mut limits = adapter.limits();
        limits.max_bind_groups += 1;
        let error = request(&adapter, &limits).expect_err("more than it has");
        assert!(matches!(error, GpuError::NoDevice { .. }), "{error}");
        assert!(error.to_string().contains(&adapter.get_info().name), "{error}");
    }

    /// Set in the process that [`a_device_without_memory_left_says_so`] starts.
    const LITTLE_MEMORY: &str = "KANRL_LITTLE_MEMORY";

    /// In a process of its own, whose address space is limited once the device is open: a driver in software allocates there.
    #[test]
    fn a_device_without_memory_left_says_so() {
        let Ok(gpu) = Gpu::open(&GpuOptions::default()) else { return };
        let has_prlimit = Command::new("prlimit").arg("--version").output().is_ok();
        if !gpu.is_software() || !has_prlimit {
            eprintln!("skipped: the memory of {} cannot be limited here", gpu.name());
            return;
        }
        if std::env::var_os(LITTLE_MEMORY).is_none() {
            let mut again = Command::new(std::env::current_exe().expect("a test program"));
            again.args(["--exact", "gpu::tests::a_device_without_memory_left_says_so"]).env(LITTLE_MEMORY, "1");
            let output = again.output().expect("itself");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
            return;
        }
        let statistics = std::fs::read_to_string("/proc/self/statm").expect("Linux");
        let pages: u64 = statistics.split(' ').next().and_then(|pages| pages.parse().ok()).expect("a number");
        let limit = format!("--as={}", 4096 * pages + (1 << 30));
        let pid = std::process::id().to_string();
        assert!(Command::new("prlimit").args(["--pid", &pid, &limit]).status().expect("prlimit").success());
        let most = gpu.most_numbers() as usize;
        let mut held = Vec::new();
        let error = loop {
            match gpu.buffer("a test", most) {
                Ok(buffer) => held.push(buffer),
                Err(error) => break error,
            }
            assert!(held.len() < 100, "100 buffers of {most} numbers in a gigabyte");
        };
        assert_eq!(error, GpuError::OutOfMemory { what: "a test", bytes: 4 * most as u64 });
        // With some of it given back there is room again.
        held.clear();
        gpu.buffer("a test", 1024).expect("room");
    }
}
