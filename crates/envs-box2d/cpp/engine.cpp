// The C interface that src/engine/ffi.rs declares. It does not check its arguments.

#include <Box2D/Box2D.h>
#include <vector>

int32* box2d_int_counter()
{
	thread_local int32 counter = 0;
	return &counter;
}

float32* box2d_float_counter()
{
	thread_local float32 counter = 0.0f;
	return &counter;
}

namespace
{

struct Entry
{
	b2Body* body;
	bool touching;
	bool touched;
};

struct World : b2ContactListener
{
	explicit World(float32 gravity) : world(b2Vec2(0.0f, gravity))
	{
		world.SetContactListener(this);
	}

	Entry& Of(b2Fixture* fixture)
	{
		return entries[reinterpret_cast<size_t>(fixture->GetBody()->GetUserData())];
	}

	void BeginContact(b2Contact* contact) override
	{
		for (b2Fixture* fixture : {contact->GetFixtureA(), contact->GetFixtureB()})
		{
			Of(fixture).touching = true;
			Of(fixture).touched = true;
		}
	}

	void EndContact(b2Contact* contact) override
	{
		Of(contact->GetFixtureA()).touching = false;
		Of(contact->GetFixtureB()).touching = false;
	}

	b2World world;
	std::vector<Entry> entries;
	std::vector<b2RevoluteJoint*> joints;
};

// The nearest static fixture on a ray.
struct Nearest : b2RayCastCallback
{
	float32 ReportFixture(b2Fixture* fixture, const b2Vec2&, const b2Vec2&, float32 hit) override
	{
		if (fixture->GetBody()->GetType() != b2_staticBody)
		{
			return -1.0f;
		}
		fraction = hit;
		return hit;
	}

	float32 fraction = 1.0f;
};

void AddFixture(World* self, uint32 body, const b2Shape& shape, float32 density, float32 friction)
{
	b2Body* owner = self->entries[body].body;
	b2FixtureDef definition;
	definition.shape = &shape;
	definition.density = density;
	definition.friction = friction;
	if (owner->GetType() == b2_dynamicBody)
	{
		definition.filter.categoryBits = 0x20;
		definition.filter.maskBits = 1; // static bodies: Box2D's default category
	}
	owner->CreateFixture(&definition);
}

} // namespace

extern "C"
{

struct BodyState
{
	float32 position[2];
	float32 angle;
	float32 velocity[2];
	float32 angular_velocity;
	uint8 awake;
};

struct JointDefinition
{
	uint32 first;
	uint32 second;
	float32 first_anchor[2];
	float32 second_anchor[2];
	float32 reference_angle;
	float32 limits[2];
	float32 motor_speed;
	float32 maximum_motor_torque;
};

World* box2d_world_new(float32 gravity)
{
	return new World(gravity);
}

void box2d_world_delete(World* self)
{
	delete self;
}

uint32 box2d_add_body(World* self, bool moving, float32 x, float32 y, float32 angle)
{
	b2BodyDef definition;
	definition.type = moving ? b2_dynamicBody : b2_staticBody;
	definition.position.Set(x, y);
	definition.angle = angle;
	definition.userData = reinterpret_cast<void*>(self->entries.size());
	Entry entry = {self->world.CreateBody(&definition), false, false};
	self->entries.push_back(entry);
	return static_cast<uint32>(self->entries.size() - 1);
}

void box2d_add_edge(World* self, uint32 body, const float32* points, float32 friction)
{
	b2EdgeShape shape;
	shape.Set(b2Vec2(points[0], points[1]), b2Vec2(points[2], points[3]));
	AddFixture(self, body, shape, 0.0f, friction);
}

void box2d_add_rectangle(World* self, uint32 body, float32 half_width, float32 half_height, float32 density, float32 friction)
{
	b2PolygonShape shape;
	shape.SetAsBox(half_width, half_height);
	AddFixture(self, body, shape, density, friction);
}

void box2d_add_polygon(World* self, uint32 body, const float32* points, int32 count, float32 density, float32 friction)
{
	b2Vec2 vertices[b2_maxPolygonVertices];
	for (int32 i = 0; i < count; ++i)
	{
		vertices[i].Set(points[2 * i], points[2 * i + 1]);
	}
	b2PolygonShape shape;
	shape.Set(vertices, count);
	AddFixture(self, body, shape, density, friction);
}

uint32 box2d_add_joint(World* self, const JointDefinition* from)
{
	b2RevoluteJointDef definition;
	definition.bodyA = self->entries[from->first].body;
	definition.bodyB = self->entries[from->second].body;
	definition.localAnchorA.Set(from->first_anchor[0], from->first_anchor[1]);
	definition.localAnchorB.Set(from->second_anchor[0], from->second_anchor[1]);
	definition.referenceAngle = from->reference_angle;
	definition.enableLimit = true;
	definition.lowerAngle = from->limits[0];
	definition.upperAngle = from->limits[1];
	definition.enableMotor = true;
	definition.motorSpeed = from->motor_speed;
	definition.maxMotorTorque = from->maximum_motor_torque;
	self->joints.push_back(static_cast<b2RevoluteJoint*>(self->world.CreateJoint(&definition)));
	return static_cast<uint32>(self->joints.size() - 1);
}

void box2d_step(World* self, float32 time_step, int32 velocity_iterations, int32 position_iterations)
{
	self->world.Step(time_step, velocity_iterations, position_iterations);
}

void box2d_set_gravity(World* self, float32 gravity)
{
	self->world.SetGravity(b2Vec2(0.0f, gravity));
}

void box2d_set_density(World* self, uint32 body, float32 density)
{
	b2Body* owner = self->entries[body].body;
	for (b2Fixture* fixture = owner->GetFixtureList(); fixture; fixture = fixture->GetNext())
	{
		fixture->SetDensity(density);
	}
	owner->ResetMassData();
}

void box2d_apply_force(World* self, uint32 body, float32 x, float32 y)
{
	self->entries[body].body->ApplyForceToCenter(b2Vec2(x, y), true);
}

void box2d_apply_torque(World* self, uint32 body, float32 torque)
{
	self->entries[body].body->ApplyTorque(torque, true);
}

void box2d_apply_impulse(World* self, uint32 body, const float32* impulse, const float32* point)
{
	self->entries[body].body->ApplyLinearImpulse(b2Vec2(impulse[0], impulse[1]), b2Vec2(point[0], point[1]), true);
}

void box2d_set_motor(World* self, uint32 joint, float32 speed, float32 maximum_torque)
{
	self->joints[joint]->SetMotorSpeed(speed);
	self->joints[joint]->SetMaxMotorTorque(maximum_torque);
}

void box2d_joint_state(const World* self, uint32 joint, float32* angle_and_speed)
{
	angle_and_speed[0] = self->joints[joint]->GetJointAngle();
	angle_and_speed[1] = self->joints[joint]->GetJointSpeed();
}

void box2d_body_state(const World* self, uint32 body, BodyState* state)
{
	const b2Body* from = self->entries[body].body;
	state->position[0] = from->GetPosition().x;
	state->position[1] = from->GetPosition().y;
	state->angle = from->GetAngle();
	state->velocity[0] = from->GetLinearVelocity().x;
	state->velocity[1] = from->GetLinearVelocity().y;
	state->angular_velocity = from->GetAngularVelocity();
	state->awake = from->IsAwake();
}

bool box2d_touching(const World* self, uint32 body)
{
	return self->entries[body].touching;
}

bool box2d_touched(const World* self, uint32 body)
{
	return self->entries[body].touched;
}

float32 box2d_ray_cast(const World* self, const float32* from, const float32* to)
{
	Nearest nearest;
	self->world.RayCast(&nearest, b2Vec2(from[0], from[1]), b2Vec2(to[0], to[1]));
	return nearest.fraction;
}

} // extern "C"
