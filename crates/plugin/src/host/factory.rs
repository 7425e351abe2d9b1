use super::caller::PluginContext;
use super::environment::PluginEnvironment;
use super::handles::Kind;
use super::instances::Instances;
use super::tables::EnvironmentHeader;
use super::vector::PluginVectorEnvironment;
use kanrl_core::environment::{
    DynEnvironment, EnvironmentError, EnvironmentFactory, KeywordArguments, VectorEnvironment,
};
use std::sync::Arc;

/// Makes instances of one of a plugin's environments.
#[derive(Debug)]
pub(crate) struct PluginEnvironmentFactory(Arc<Kind>);

impl PluginEnvironmentFactory {
    pub fn new(context: Arc<PluginContext>, header: &EnvironmentHeader) -> Self {
        Self(Arc::new(Kind { context, id: header.id.clone(), table: header.table }))
    }

    fn instances(&self, arguments: &KeywordArguments, count: usize) -> Result<Instances, EnvironmentError> {
        let arguments = serde_json::Value::Object(arguments.clone()).to_string();
        Instances::create(self.0.clone(), &arguments, count)
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
