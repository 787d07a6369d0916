#if DEBUG
    /// A mistake that a test switches on for what runs inside of it. A release build has neither this nor the place
    /// that looks at it.
    package enum FederationBugs {
        /// Sums of token rows go through `Float`, whose rounding depends on the order.
        @TaskLocal package static var mergesInFloat = false
    }
#endif
