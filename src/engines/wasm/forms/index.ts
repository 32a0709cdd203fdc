import { averagePoolGradientKernel, averagePoolKernel } from '../../kernels/average-pool.ts';
import { batchNormGradientKernel, batchNormKernel } from '../../kernels/batch-norm.ts';
import { filterGradientKernel } from '../../kernels/convolution.ts';
import { KernelForms } from '../../kernels/kernel.ts';
import { maxPoolGradientKernel, maxPoolKernel } from '../../kernels/max-pool.ts';
import { definedNeurons } from '../../kernels/neuron.ts';
import type { WasmDevice } from '../device.ts';
import { batchNormForm, batchNormGradientForm } from './batch-norm.ts';
import { filterGradientForm } from './convolution.ts';
import { neuronForm, neuronGradientForm } from './neuron.ts';
import { averagePoolForm, averagePoolGradientForm, maxPoolForm, maxPoolGradientForm } from './pooling.ts';

/** The kernels of the WebAssembly engine. */
export function wasmForms(device: WasmDevice): KernelForms {
  const forms = new KernelForms();
  for (const neuron of definedNeurons()) {
    forms.add(neuron.kernel, neuronForm(device, neuron));
    forms.add(neuron.gradientKernel, neuronGradientForm(device, neuron));
  }
  forms.add(batchNormKernel, batchNormForm(device));
  forms.add(batchNormGradientKernel, batchNormGradientForm(device));
  forms.add(filterGradientKernel, filterGradientForm(device));
  forms.add(averagePoolKernel, averagePoolForm(device));
  forms.add(averagePoolGradientKernel, averagePoolGradientForm(device));
  forms.add(maxPoolKernel, maxPoolForm(device));
  forms.add(maxPoolGradientKernel, maxPoolGradientForm(device));
  return forms;
}
