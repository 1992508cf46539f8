//! What the kubelet's paths tell of pods and containers.

/// What the kubelet's path tells of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kubernetes {
    /// The pod's namespace.
    Namespace,
    /// The pod's name.
    Pod,
    /// The pod's unique id.
    PodUid,
    /// The container's name.
    Container,
    /// The container's id.
    ContainerId,
}

impl Kubernetes {
    /// All of it.
    pub const ALL: [Self; 5] = [Self::Namespace, Self::Pod, Self::PodUid, Self::Container, Self::ContainerId];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Namespace => "namespace",
            Self::Pod => "pod",
            Self::PodUid => "pod_uid",
            Self::Container => "container",
            Self::ContainerId => "container_id",
        }
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|part| part.name() == name)
    }

    /// What a path tells: `/var/log/pods/NAMESPACE_POD_UID/CONTAINER/N.log`, or
    /// `/var/log/containers/POD_NAMESPACE_CONTAINER-ID.log`.
    pub(in crate::process) fn of(self, path: &str) -> Option<&str> {
        match path.rsplit_once("/pods/").filter(|_| path.contains("/log/pods/")) {
            Some((_, below)) => self.of_pod(below),
            None => self.of_link(path.rsplit_once("/containers/")?.1),
        }
    }

    fn of_pod(self, below: &str) -> Option<&str> {
        let (pod, rest) = below.split_once('/')?;
        let (container, _) = rest.split_once('/')?;
        let mut parts = pod.splitn(3, '_');
        let (namespace, name, uid) = (parts.next()?, parts.next()?, parts.next()?);
        match self {
            Self::Namespace => Some(namespace),
            Self::Pod => Some(name),
            Self::PodUid => Some(uid),
            Self::Container => Some(container),
            Self::ContainerId => None,
        }
    }

    fn of_link(self, name: &str) -> Option<&str> {
        let mut parts = name.strip_suffix(".log")?.splitn(3, '_');
        let (pod, namespace, container) = (parts.next()?, parts.next()?, parts.next()?);
        let (container, id) = container.rsplit_once('-')?;
        match self {
            Self::Namespace => Some(namespace),
            Self::Pod => Some(pod),
            Self::PodUid => None,
            Self::Container => Some(container),
            Self::ContainerId => Some(id),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kubelets_paths_tell_pod_and_container() {
        let tell = |path| Kubernetes::ALL.map(|part| part.of(path).unwrap_or("-"));
        assert_eq!(
            tell("/var/log/pods/shop_cart-7c9_0a1b-2c/web-app/3.log"),
            ["shop", "cart-7c9", "0a1b-2c", "web-app", "-"]
        );
        assert_eq!(
            tell("/var/log/containers/cart-7c9_shop_web-app-deadbeef.log"),
            ["shop", "cart-7c9", "-", "web-app", "deadbeef"]
        );
        for path in ["/var/log/app.log", "/var/log/pods/x", "/var/log/pods/a_b/c/0.log", "/containers/x.log"]
        {
            assert_eq!(tell(path), ["-"; 5], "{path}");
        }
    }
}
