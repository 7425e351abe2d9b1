"""Runs exports in Julia and in Structured Text, rewritten as Python line by line: their blocks are indented as Python's are."""

import math
import re
import sys

import numpy as np

def whole(text):
    return (text.replace('&&', ' and ').replace('||', ' or ').replace('EXPT', 'power_').replace(' ^ ', ' ** ')
        .replace(' MOD ', ' % '))

def structured_text(text):
    text = re.sub(r'\(\*.*?\*\)', '', text, flags=re.S)
    lines, name, declares, inputs, arrays = [], None, None, [], []
    for line in text.splitlines():
        bare = line.strip().rstrip(';')
        indent = line[:len(line) - len(line.lstrip())]
        head = re.fullmatch(r'(FUNCTION_BLOCK|FUNCTION) (\w+)(?: : LREAL)?', bare)
        if head:
            name, inputs, arrays, body = head[2], [], [], []
        elif bare in ('VAR_INPUT', 'VAR_OUTPUT', 'VAR'):
            declares = bare
        elif bare == 'END_VAR':
            declares = None
        elif declares:
            variable, kind = re.fullmatch(r'(\w+) : (.+)', bare).groups()
            assert re.fullmatch(r'LREAL|INT|ARRAY\[0\.\.\d+\] OF L?REAL', kind), kind
            assert not re.search(r'__|_$', variable), variable
            if declares == 'VAR_INPUT':
                inputs.append(variable)
            elif kind.startswith('ARRAY'):
                arrays.append((variable, int(re.search(r'\.\.(\d+)', kind)[1]) + 1))
        elif bare in ('END_FUNCTION', 'END_FUNCTION_BLOCK'):
            result = f'result_{name}' if bare == 'END_FUNCTION' else 'action, outputs'
            lines.append(f'def {name}({", ".join(inputs)}):')
            lines += [f'    {variable} = [0.0] * {count}' for variable, count in arrays]
            lines += body + [f'    return {result}']
        elif bare:
            if bare in ('END_IF', 'END_WHILE', 'END_FOR'):
                continue
            assert line.endswith((';', ' THEN', ' DO', 'ELSE')), line
            bare = re.sub(r'^(IF|ELSIF) (.*) THEN$', lambda m: {'IF': 'if', 'ELSIF': 'elif'}[m[1]] + f' {m[2]}:', bare)
            bare = re.sub(r'^WHILE (.*) DO$', r'while \1:', bare)
            bare = re.sub(r'^FOR (\w+) := 1 TO (\d+) DO$', r'for \1 in range(1, \2 + 1):', bare)
            bare = 'else:' if bare == 'ELSE' else bare
            bare = bare.replace(' = 1:', ' == 1:')
            bare = re.sub(rf'^{name} := ', f'result_{name} := ', bare).replace(' := ', ' = ')
            bare = bare.replace('left / 2', 'left // 2')
            assert not re.search(r'\d[eE]', re.sub(r'\d\.\d+E-?\d+', '', bare)), bare
            body.append(indent + whole(bare))
    return '\n'.join(lines)

def julia(text):
    lines = []
    for line in text.splitlines():
        bare = line.strip()
        if bare in ('end', '') or bare.startswith(('#', 'module')):
            continue
        line = line.replace('const ', '').replace('elseif ', 'elif ').replace('in 2:OUTPUTS', 'in range(2, OUTPUTS + 1)')
        line = line.replace('in 1:OUTPUTS', 'in range(1, OUTPUTS + 1)').replace('function ', 'def ')
        line = line.replace('Float32[', 'singles([').replace('Float32.(outputs(observation))', 'singles(outputs(observation))')
        if 'singles([' in line:
            line = line.replace(']', '])')
        if re.match(r'\s*(def|if|elif|while|for) ', line):
            line += ':'
        lines.append(whole(line))
    return '\n'.join(lines)

class From1(list):
    def __getitem__(self, index): return list.__getitem__(self, index - 1)
    def __setitem__(self, index, value): list.__setitem__(self, index - 1, value)

def real(function):
    def call(*operands):
        try:
            return np.float64(function(*(np.float64(x) for x in operands)))
        except (ValueError, ZeroDivisionError):
            return np.float64('nan')
    return call

np.seterr(all='ignore')
library = {name: real(getattr(np, name)) for name in 'exp sqrt sin cos tan tanh floor'.split()}
library |= {'log': real(np.log), 'asin': real(np.arcsin), 'acos': real(np.arccos), 'atan': real(np.arctan), 'atanh': real(np.arctanh)}
library |= {'sign': real(np.sign), 'power_': real(np.power)}
capitals = {'LN': 'log'} | {name: name.lower() for name in 'EXP SQRT SIN COS TAN ASIN ACOS ATAN'.split()}
scope = library | {name: library[plain] for name, plain in capitals.items()} | {
    'ABS': abs, 'abs': abs, 'LREAL_TO_REAL': np.float32, 'Float64': np.float64, 'NaN': math.nan, 'Inf': math.inf,
    'isfinite': math.isfinite, 'div': lambda a, b: a // b, 'zeros': lambda count: From1([0.0] * count),
    'singles': lambda values: From1(np.float32(value) for value in values)}
language, columns = sys.argv[1], int(sys.argv[2])
exec({'julia': julia, 'st': structured_text}[language](open('policy').read()), scope)
rows = int(sys.argv[3])
points = np.fromfile('points').reshape(-1, columns)[:rows]
values, actions = [], []
for point in points:
    if language == 'julia':
        values.append(scope['outputs'](From1(point)))
        actions.append(np.ravel(scope['action'](From1(point))))
    else:
        action, outputs = scope['policy'](*point)
        values.append(outputs)
        actions.append(np.ravel(action))
np.array(values, dtype=np.float64).tofile('values')
np.array(actions, dtype=np.float64).tofile('actions')
