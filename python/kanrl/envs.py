"""`import kanrl.envs` registers kanrl's environments with Gymnasium: `gym.make("kanrl/CartPole-v1")`.

Where Gymnasium was imported first, `import kanrl` does so too. `gym.make("kanrl.envs:kanrl/CartPole-v1")` needs neither.
"""

from kanrl._optional import needed
from kanrl._registration import register

needed("gymnasium", "gymnasium")
register()
