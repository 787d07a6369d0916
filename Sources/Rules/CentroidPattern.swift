public import Identity
public import Wire

/// A centroid as it travels: two directions among the rows of a model that all sites merge alike. Neither a question, nor a
/// graph node, nor who chose what.
///
/// ```cddl
/// centroid = [ model: model-id, context: bstr .size (4..1024), choice: bstr .size (4..1024) ]    as many bytes each
/// ```
/// A byte is a coordinate in two's complement, -127...127; a vector has the length 127, but for rounding.
public struct CentroidPattern: Hashable, Sendable {
    public let model: ModelID
    public let context: Direction
    public let choice: Direction

    /// Most bytes of an encoding.
    public static let maxBytes = 2_112

    public init(model: ModelID, context: Direction, choice: Direction) {
        precondition(context.coordinates.count == choice.coordinates.count, "two directions of one space")
        (self.model, self.context, self.choice) = (model, context, choice)
    }

    /// Names the pattern.
    public var id: Hash32 {
        var hasher = Hasher32(domain: "shoal/centroid/1")
        var encoder = CBOREncoder()
        encode(into: &encoder)
        hasher.update(encoder.bytes)
        return hasher.finish()
    }

    /// Whether both say the same, for whoever is asked to verify or pay it.
    public func isSame(as other: CentroidPattern) -> Bool {
        model == other.model && context.likeness(to: other.context) > Centroid.Limits.same
            && choice.likeness(to: other.choice) > Centroid.Limits.same
    }

    /// Candidates that a choice is told from when a site measures: by chance one in twenty is right.
    public static let candidates = 20

    /// What a site's own trajectories say: of those that begin near the context, in how many the choice is the one of
    /// twenty candidates that is most like the pattern's. Others that were shown come first, then `fillers`.
    ///
    /// - Parameter fillers: of the site's other graph nodes, in a random order.
    public func counts(_ trajectories: [Trajectory], fillers: [Direction]) -> PatternMeasurement {
        var counts = RuleCounts(body: 0, support: 0)
        for trajectory in trajectories where trajectory.context.likeness(to: context) >= Centroid.Limits.near {
            let shown = trajectory.others.prefix(Self.candidates - 1)
            let others =
                shown + fillers.lazy.filter { $0 != trajectory.choice }.prefix(Self.candidates - 1 - shown.count)
            guard others.count == Self.candidates - 1 else { continue }
            let mine = trajectory.choice.likeness(to: choice)
            counts.body += 1
            if others.allSatisfy({ $0.likeness(to: choice) < mine }) { counts.support += 1 }
        }
        return counts.body == 0 ? .abstains : .counts(counts)
    }
}

extension CentroidPattern {
    public func encode(into encoder: inout CBOREncoder) {
        encoder.array(3)
        encoder.bytes(model.bytes)
        for direction in [context, choice] { encoder.bytes(direction.coordinates.map { UInt8(bitPattern: $0) }) }
    }

    /// Reads one centroid of a longer body.
    public init(_ decoder: inout CBORDecoder) throws(CBORError) {
        try decoder.array(exactly: 3)
        model = try decoder.id()
        context = try Self.direction(&decoder)
        choice = try Self.direction(&decoder)
        guard context.coordinates.count == choice.coordinates.count else {
            throw .unexpected(at: 0, wanted: "two directions of one space")
        }
    }

    private static func direction(_ decoder: inout CBORDecoder) throws(CBORError) -> Direction {
        let start = decoder.position
        let bytes = try decoder.bytes(max: Direction.dimensions.upperBound)
        guard let direction = Direction(coordinates: bytes.map { Int8(bitPattern: $0) }) else {
            throw .outOfRange(at: start, what: "\(bytes.count) bytes that are no direction")
        }
        return direction
    }
}
