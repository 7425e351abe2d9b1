use super::arguments::Arguments;
use super::caller::PluginContext;
use super::environment::PluginEnvironment;
use super::handles::Kind;
use super::instances::Instances;
use super::tables::EnvironmentHeader;
use super::vector::PluginVectorEnvironment;
use kanrl_core::environment::{
    DynEnvironment, EnvironmentError, EnvironmentFactory, EnvironmentSpec, KeywordArguments, VectorEnvironment,
};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Makes instances of one of a plugin's environments.
#[derive(Debug)]
pub(crate) struct PluginEnvironmentFactory {
    kind: Arc<Kind>,
    arguments: Arguments,
    /// The specs that instances had, by their arguments: callers make buffers by one instance's spec and fill them with another
    /// one's observations.
    specs: Mutex<HashMap<String, EnvironmentSpec>>,
}

impl PluginEnvironmentFactory {
    pub fn new(context: Arc<PluginContext>, header: &EnvironmentHeader) -> Self {
        let kind = Arc::new(Kind { context, id: header.id.clone(), table: header.table });
        Self { kind, arguments: Arguments::of(header), specs: Mutex::default() }
    }

    fn instances(&self, arguments: &KeywordArguments, count: usize) -> Result<Instances, EnvironmentError> {
        self.arguments.check(&self.kind.id, arguments)?;
        let arguments = serde_json::Value::Object(arguments.clone()).to_string();
        let instances = Instances::create(self.kind.clone(), &arguments, count)?;
        let mut specs = self.specs.lock().unwrap_or_else(PoisonError::into_inner);
        if specs.entry(arguments).or_insert_with(|| instances.spec().clone()) != instances.spec() {
            return Err(instances.unsteady_spec());
        }
        Ok(instances)
    }
}

impl EnvironmentFactory for PluginEnvironmentFactory {
    fn make(&self, arguments: &KeywordArguments) -> Result<Box<dyn DynEnvironment>, EnvironmentError> {
        Ok(Box::new(PluginEnvironment::new(self.instances(arguments, 1)?)))
    }

    fn make_vector(
        &self,
        arguments: &KeywordArguments,
        lanes: usize,
    ) -> Result<Box<dyn VectorEnvironment>, EnvironmentError> {
        assert!(lanes > 0, "a vector environment has at least one lane");
        Ok(Box::new(PluginVectorEnvironment::new(self.instances(arguments, lanes)?)))
    }
}
