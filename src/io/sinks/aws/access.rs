//! How a flow gets at its service: region, endpoint, credentials, the network.

use super::http::{self, CaBundleError};
use super::protocol::ReadyBody;
use crate::config::{AssumeRole, Aws, FlowIo};
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, ConfigLoader, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use kintail_engine::destination::{Failure, FailureKind};
use std::path::PathBuf;
use std::time::Duration;

/// How long a connection may take to come up.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// What the configuration says of the way to a service, and the connections that lead there.
#[derive(Debug)]
pub(crate) struct Access {
    aws: Aws,
    flow: FlowIo,
    http: SharedHttpClient,
    /// From the first byte of a request to the last of its answer.
    pub(super) request_timeout: Duration,
}

impl Access {
    /// Nothing is looked up yet, but whom to trust.
    pub(crate) fn new(aws: &Aws, flow: &FlowIo) -> Result<Self, CaBundleError> {
        // As the AWS CLI does.
        let variable = std::env::var_os("AWS_CA_BUNDLE").filter(|path| !path.is_empty()).map(PathBuf::from);
        let trusted = http::trusted(aws.ca_bundle.as_deref().or(variable.as_deref()))?;
        let http = http::client(&trusted);
        Ok(Self { aws: aws.clone(), flow: flow.clone(), http, request_timeout: REQUEST_TIMEOUT })
    }

    /// Looks everything up anew: environment, files, metadata services.
    pub(super) async fn resolve(&self) -> Result<SdkConfig, Failure> {
        let mut builder = self.found().await?.into_builder();
        if let Some(endpoint) = &self.flow.endpoint {
            builder = builder.endpoint_url(endpoint);
        }
        // The credentials' own requests keep the SDK's retries, ours have none: the engine knows of every one.
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .operation_attempt_timeout(self.request_timeout);
        Ok(builder
            .protocol(ReadyBody)
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts.build())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .build())
    }

    /// Whose the credentials are, as an ARN.
    pub(super) async fn identity(&self) -> Result<String, Failure> {
        let mut config = self.found().await?.into_builder();
        if let Some(endpoint) = &self.aws.endpoints.sts {
            config = config.endpoint_url(endpoint);
        }
        let answer = aws_sdk_sts::Client::new(&config.build()).get_caller_identity().send().await;
        match answer {
            Ok(who) => Ok(who.arn().unwrap_or("somebody without an ARN").to_owned()),
            Err(error) => {
                let code = error.code().unwrap_or("NoAnswer").to_owned();
                let kind = match &*code {
                    "InvalidClientTokenId" | "SignatureDoesNotMatch" | "ExpiredToken" => {
                        FailureKind::Credentials
                    }
                    _ => FailureKind::Transient,
                };
                let text = error.message().map_or_else(|| "STS does not answer".to_owned(), str::to_owned);
                Err(Failure::new(kind, &*code, &*text))
            }
        }
    }

    async fn found(&self) -> Result<SdkConfig, Failure> {
        let config = self.loader().load().await;
        if config.region().is_none() {
            return Err(Failure::new(
                FailureKind::Credentials,
                "NoRegion",
                "no region found: set `region` under [aws], AWS_REGION, or a region in the profile",
            ));
        }
        Ok(match &self.flow.assume_role {
            Some(role) => {
                let provider = self.assume(role, &config).await;
                config.into_builder().credentials_provider(provider).build()
            }
            None => config,
        })
    }

    fn loader(&self) -> ConfigLoader {
        let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(self.http.clone());
        if let Ok(name) = AppName::new(concat!("kintail-", env!("CARGO_PKG_VERSION"))) {
            loader = loader.app_name(name);
        }
        if let Some(region) = &self.flow.region {
            loader = loader.region(Region::new(region.clone()));
        }
        if let Some(profile) = &self.aws.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(path) = &self.aws.shared_credentials_file {
            let files = EnvConfigFiles::builder()
                .include_default_config_file(true)
                .with_file(EnvConfigFileKind::Credentials, path);
            loader = loader.profile_files(files.build());
        }
        // Where the configuration is silent the SDK's own variables decide.
        if self.aws.fips {
            loader = loader.use_fips(true);
        }
        if self.aws.dual_stack {
            loader = loader.use_dual_stack(true);
        }
        loader
    }

    /// The role's credentials, got with those that `config` found.
    async fn assume(&self, role: &AssumeRole, config: &SdkConfig) -> SharedCredentialsProvider {
        let mut sts = config.to_builder();
        if let Some(endpoint) = &self.aws.endpoints.sts {
            sts = sts.endpoint_url(endpoint);
        }
        let mut provider = AssumeRoleProvider::builder(&role.arn)
            .session_name(&role.session_name)
            .session_length(role.duration)
            .configure(&sts.build());
        if let Some(id) = &role.external_id {
            provider = provider.external_id(id);
        }
        SharedCredentialsProvider::new(provider.build().await)
    }
}
